#include "gateway/sink/encode.h"

#include <vector>

#include "common/otlp/compress.h"
#include "common/otlp/json.h"

namespace wirespan::gateway {

bool MakePlain(Bytes& bytes) {
  const Bytes::AsReceived& received = bytes.received();
  if (bytes.size() > 0 || received.encoding == otlp::Encoding::kIdentity) return true;
  // It has been inflated once already, within the receiver's bound.
  constexpr std::size_t kMax = std::size_t{1} << 30;
  thread_local otlp::Decompressor decompressor;
  std::string plain;
  if (decompressor.Decompress(received.encoding, received.piece.view, kMax, plain) !=
      otlp::Decompressor::Outcome::kOk) {
    return false;
  }
  bytes = Bytes(std::move(plain));
  return true;
}

std::string CompressBytes(Compression compression, const Bytes& bytes) {
  thread_local otlp::Compressor compressor;
  std::vector<std::string_view> pieces;
  pieces.reserve(bytes.pieces().size());
  for (const Bytes::Piece& piece : bytes.pieces()) pieces.push_back(piece.view);
  std::string out;
  compressor.Compress(compression, pieces, out);
  return out;
}

Result<std::string> ToJson(Signal signal, const Bytes& bytes) {
  std::string storage;
  return otlp::RequestToJson(signal, bytes.Contiguous(storage));
}

}  // namespace wirespan::gateway
