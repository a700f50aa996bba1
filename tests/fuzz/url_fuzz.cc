// URLs, and NO_PROXY lists (after the first line break). What is accepted can be put together and
// read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/http/proxy.h"
#include "common/http/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  const auto url = wirespan::http::ParseUrl(input.substr(0, end));
  if (!url) return 0;
  if (end != std::string_view::npos)
    static_cast<void>(wirespan::http::BypassesProxy(*url, input.substr(end + 1)));
  const auto again =
      wirespan::http::ParseUrl(url->scheme + "://" + url->authority() + url->target());
  if (!again || again->host != url->host || again->port != url->port ||
      again->target() != url->target())
    std::abort();
  return 0;
}
