// Compressed bodies from outside: never more than the bound, and what we compress we read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/otlp/compress.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan::otlp;
  if (size == 0 || size > 1 << 16) return 0;
  static Decompressor decompressor;
  static Compressor compressor;
  constexpr std::size_t kLimit = 100'000;
  const auto encoding = static_cast<Encoding>(data[0] % 4);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string out;
  if (decompressor.Decompress(encoding, bytes, kLimit, out) == Decompressor::Outcome::kOk &&
      out.size() > kLimit) {
    std::abort();
  }
  std::string packed, back;
  compressor.Compress(encoding, bytes, packed);
  if (decompressor.Decompress(encoding, packed, bytes.size(), back) != Decompressor::Outcome::kOk ||
      back != bytes) {
    std::abort();
  }
  return 0;
}
