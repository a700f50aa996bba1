#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wirespan::otlp {

enum class Encoding : std::uint8_t { kIdentity, kGzip, kZstd, kDeflate };

// The names of HTTP's Content-Encoding and grpc-encoding, without case; "" and "identity" are
// kIdentity, "x-gzip" is kGzip, "zlib" is kDeflate. nullopt: another.
std::optional<Encoding> ParseEncoding(std::string_view name);
std::string_view EncodingName(Encoding encoding);  // "" for kIdentity
// By the first bytes, for a peer that does not say: gzip or zstd, else kIdentity.
Encoding DetectEncoding(std::string_view bytes);

// Speed before size: gzip by ISA-L's level 1, zstd's level 1. Keeps its memory between calls; one
// thread at a time.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  // Replaces `out` by the pieces' concatenation, compressed (kIdentity: copied). kDeflate is
  // written as zlib's format.
  void Compress(Encoding encoding, std::span<const std::string_view> pieces, std::string& out);
  void Compress(Encoding encoding, std::string_view bytes, std::string& out) {
    Compress(encoding, std::span(&bytes, 1), out);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Safe against bombs: stops as soon as the output would pass max_bytes. Keeps its memory between
// calls; one thread at a time. gzip may have several members, zstd several frames; deflate is
// zlib's format or raw.
class Decompressor {
 public:
  enum class Outcome : std::uint8_t { kOk, kTooLarge, kInvalid };

  Decompressor();
  ~Decompressor();
  // Replaces `out`; unless kOk its content is unspecified.
  Outcome Decompress(Encoding encoding, std::string_view bytes, std::size_t max_bytes,
                     std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wirespan::otlp
