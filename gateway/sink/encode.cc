#include "gateway/sink/encode.h"

#include <vector>

#include "common/otlp/compress.h"
#include "common/otlp/json.h"

namespace wirespan::gateway {

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
