#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/protocol/tls/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  wirespan::tls::ClientHello hello;
  wirespan::tls::ParseClientHello(input, hello);
  if (hello.server_name.size() > 255 || hello.alpn.size() > 255) std::abort();
  wirespan::tls::LooksLikeTlsRecord(input);
  return 0;
}
