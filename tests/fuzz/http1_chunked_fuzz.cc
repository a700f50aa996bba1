// The chunked coding: any cut gives the same as the whole. The first byte says where to cut.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/protocol/http1/chunked.h"

using wirespan::http1::ChunkedDecoder;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = data[0] % (input.size() + 1);
  ChunkedDecoder whole;
  const std::size_t used = whole.OnBytes(input);
  ChunkedDecoder parts;
  std::size_t used_parts = parts.OnBytes(input.substr(0, cut));
  if (!parts.done() && !parts.invalid()) used_parts += parts.OnBytes(input.substr(cut));
  if (used != used_parts || whole.done() != parts.done() || whole.invalid() != parts.invalid() ||
      whole.payload() != parts.payload()) {
    std::abort();
  }
  if (!whole.done() && !whole.invalid() && whole.OnGap(1000) > 1000) std::abort();
  return 0;
}
