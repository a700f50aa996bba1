#include "common/otlp/compress.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "common/base/strings.h"

namespace wirespan::otlp {
namespace {

constexpr int kZstdLevel = 1;
// ISA-L counts in 32 bits.
constexpr std::size_t kMaxChunk = 1u << 30;

struct ZstdFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::uint8_t* Bytes(const char* data) {
  // ISA-L and its callers agree not to write through next_in.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(data));
}

// Output that grows as it is filled.
class Output {
 public:
  Output(std::string& out, std::size_t first, std::size_t limit) : out_(out), limit_(limit) {
    out_.resize(std::min(std::max<std::size_t>(first, 512), limit));
  }
  // More room; false at the limit.
  bool Grow() {
    if (out_.size() >= limit_) return false;
    out_.resize(std::min(limit_, out_.size() * 2));
    return true;
  }
  char* at() { return out_.data() + used_; }
  std::size_t room() const { return out_.size() - used_; }
  void Used(std::size_t bytes) { used_ += bytes; }
  std::size_t used() const { return used_; }
  void Finish() { out_.resize(used_); }

 private:
  std::string& out_;
  std::size_t limit_;
  std::size_t used_ = 0;
};

std::size_t Total(std::span<const std::string_view> pieces) {
  std::size_t total = 0;
  for (const std::string_view piece : pieces) total += piece.size();
  return total;
}

}  // namespace

std::optional<Encoding> ParseEncoding(std::string_view name) {
  if (name.empty() || EqualsIgnoreCase(name, "identity")) return Encoding::kIdentity;
  if (EqualsIgnoreCase(name, "gzip") || EqualsIgnoreCase(name, "x-gzip")) return Encoding::kGzip;
  if (EqualsIgnoreCase(name, "zstd")) return Encoding::kZstd;
  if (EqualsIgnoreCase(name, "deflate") || EqualsIgnoreCase(name, "zlib"))
    return Encoding::kDeflate;
  return std::nullopt;
}

std::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIdentity:
      return "";
    case Encoding::kGzip:
      return "gzip";
    case Encoding::kZstd:
      return "zstd";
    case Encoding::kDeflate:
      return "deflate";
  }
  return "";
}

Encoding DetectEncoding(std::string_view bytes) {
  if (bytes.starts_with("\x1f\x8b")) return Encoding::kGzip;
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return Encoding::kZstd;
  return Encoding::kIdentity;
}

struct Compressor::Impl {
  isal_zstream stream{};
  std::vector<std::uint8_t> level_buffer{};
  std::unique_ptr<ZSTD_CCtx, ZstdFree> zstd{};

  void Deflate(std::uint16_t format, std::span<const std::string_view> pieces, std::string& out) {
    level_buffer.resize(ISAL_DEF_LVL1_DEFAULT);
    isal_deflate_init(&stream);
    stream.level = 1;
    stream.level_buf = level_buffer.data();
    stream.level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
    stream.gzip_flag = format;
    Output output(out, Total(pieces) / 4, std::string::npos / 2);
    auto run = [&] {
      do {
        if (output.room() == 0) output.Grow();
        const auto room = static_cast<std::uint32_t>(std::min(output.room(), kMaxChunk));
        stream.next_out = Bytes(output.at());
        stream.avail_out = room;
        isal_deflate(&stream);
        output.Used(room - stream.avail_out);
      } while (stream.avail_in > 0 ||
               (stream.end_of_stream != 0 && stream.internal_state.state != ZSTATE_END));
    };
    for (std::string_view piece : pieces) {
      while (!piece.empty()) {
        const std::size_t take = std::min(piece.size(), kMaxChunk);
        stream.next_in = Bytes(piece.data());
        stream.avail_in = static_cast<std::uint32_t>(take);
        piece.remove_prefix(take);
        run();
      }
    }
    stream.end_of_stream = 1;
    run();
    output.Finish();
  }

  void Zstd(std::span<const std::string_view> pieces, std::string& out) {
    if (!zstd) zstd.reset(ZSTD_createCCtx());
    ZSTD_CCtx_reset(zstd.get(), ZSTD_reset_session_only);
    ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_compressionLevel, kZstdLevel);
    const std::size_t total = Total(pieces);
    ZSTD_CCtx_setPledgedSrcSize(zstd.get(), total);
    out.resize(ZSTD_compressBound(total));
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    for (const std::string_view piece : pieces) {
      ZSTD_inBuffer input{piece.data(), piece.size(), 0};
      while (input.pos < input.size) {
        ZSTD_compressStream2(zstd.get(), &output, &input, ZSTD_e_continue);
      }
    }
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    ZSTD_compressStream2(zstd.get(), &output, &nothing, ZSTD_e_end);
    out.resize(output.pos);
  }
};

Compressor::Compressor() : impl_(std::make_unique<Impl>()) {}
Compressor::~Compressor() = default;

void Compressor::Compress(Encoding encoding, std::span<const std::string_view> pieces,
                          std::string& out) {
  switch (encoding) {
    case Encoding::kGzip:
      return impl_->Deflate(IGZIP_GZIP, pieces, out);
    case Encoding::kDeflate:
      return impl_->Deflate(IGZIP_ZLIB, pieces, out);
    case Encoding::kZstd:
      return impl_->Zstd(pieces, out);
    case Encoding::kIdentity:
      break;
  }
  out.clear();
  out.reserve(Total(pieces));
  for (const std::string_view piece : pieces) out.append(piece);
}

struct Decompressor::Impl {
  inflate_state state{};
  std::unique_ptr<ZSTD_DCtx, ZstdFree> zstd{};

  // One gzip member or zlib stream at the front of `bytes`, which is advanced past it.
  Outcome InflateOne(std::uint32_t format, std::string_view& bytes, Output& output) {
    isal_inflate_init(&state);
    state.crc_flag = format;
    state.next_in = Bytes(bytes.data());
    state.avail_in = static_cast<std::uint32_t>(bytes.size());
    char beyond = 0;  // where output past the limit would go
    while (true) {
      const bool full = output.room() == 0 && !output.Grow();
      const auto room = full ? 1u : static_cast<std::uint32_t>(std::min(output.room(), kMaxChunk));
      state.next_out = full ? reinterpret_cast<std::uint8_t*>(&beyond) : Bytes(output.at());
      state.avail_out = room;
      const std::uint32_t in_before = state.avail_in;
      const int result = isal_inflate(&state);
      const std::uint32_t written = room - state.avail_out;
      if (full && written > 0) return Outcome::kTooLarge;
      if (!full) output.Used(written);
      if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT) return Outcome::kInvalid;
      if (state.block_state == ISAL_BLOCK_FINISH) break;
      if (written == 0 && state.avail_in == in_before) return Outcome::kInvalid;  // cut
    }
    bytes.remove_prefix(bytes.size() - state.avail_in);
    return Outcome::kOk;
  }

  Outcome Inflate(std::uint32_t format, std::string_view bytes, std::size_t max_bytes,
                  std::string& out) {
    if (bytes.empty() || bytes.size() > kMaxChunk) return Outcome::kInvalid;
    Output output(out, bytes.size() * 8, max_bytes);
    while (!bytes.empty()) {
      const Outcome outcome = InflateOne(format, bytes, output);
      if (outcome != Outcome::kOk) return outcome;
      if (format != ISAL_GZIP && !bytes.empty()) return Outcome::kInvalid;
    }
    output.Finish();
    return Outcome::kOk;
  }

  Outcome Zstd(std::string_view bytes, std::size_t max_bytes, std::string& out) {
    if (bytes.empty()) return Outcome::kInvalid;
    const unsigned long long said = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (said == ZSTD_CONTENTSIZE_ERROR) return Outcome::kInvalid;
    const bool known = said != ZSTD_CONTENTSIZE_UNKNOWN;
    if (known && said > max_bytes) return Outcome::kTooLarge;
    if (!zstd) zstd.reset(ZSTD_createDCtx());
    ZSTD_DCtx_reset(zstd.get(), ZSTD_reset_session_only);
    // A window larger than all that may come out is a way to make us allocate.
    const int window_log = std::clamp(static_cast<int>(std::bit_width(max_bytes)), 23, 27);
    ZSTD_DCtx_setParameter(zstd.get(), ZSTD_d_windowLogMax, window_log);
    // What a frame says of its size is only a hint here: a lie must not allocate.
    const std::size_t ratio_bound = bytes.size() > max_bytes / 64 ? max_bytes : bytes.size() * 64;
    Output output(out, known ? std::min<std::size_t>(said, ratio_bound) : bytes.size() * 8,
                  max_bytes);
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    char beyond = 0;
    std::size_t left = 1;  // 0: a frame has ended
    while (true) {
      if (left == 0 && input.pos == input.size) break;
      const bool full = output.room() == 0 && !output.Grow();
      ZSTD_outBuffer target{full ? &beyond : output.at(), full ? 1 : output.room(), 0};
      const std::size_t in_before = input.pos;
      left = ZSTD_decompressStream(zstd.get(), &target, &input);
      if (ZSTD_isError(left) != 0) return Outcome::kInvalid;
      if (full && target.pos > 0) return Outcome::kTooLarge;
      if (!full) output.Used(target.pos);
      if (left != 0 && target.pos == 0 && input.pos == in_before) return Outcome::kInvalid;  // cut
    }
    output.Finish();
    return Outcome::kOk;
  }
};

Decompressor::Decompressor() : impl_(std::make_unique<Impl>()) {}
Decompressor::~Decompressor() = default;

Decompressor::Outcome Decompressor::Decompress(Encoding encoding, std::string_view bytes,
                                               std::size_t max_bytes, std::string& out) {
  switch (encoding) {
    case Encoding::kGzip:
      return impl_->Inflate(ISAL_GZIP, bytes, max_bytes, out);
    case Encoding::kZstd:
      return impl_->Zstd(bytes, max_bytes, out);
    case Encoding::kDeflate: {
      // RFC 9110 says zlib's format; some peers send raw deflate. CMF and FLG are a multiple of 31.
      const bool zlib =
          bytes.size() >= 2 && (static_cast<unsigned char>(bytes[0]) & 15) == 8 &&
          (static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1])) %
                  31 ==
              0;
      return impl_->Inflate(zlib ? ISAL_ZLIB : ISAL_DEFLATE, bytes, max_bytes, out);
    }
    case Encoding::kIdentity:
      break;
  }
  if (bytes.size() > max_bytes) return Outcome::kTooLarge;
  out.assign(bytes);
  return Outcome::kOk;
}

}  // namespace wirespan::otlp
