#include "gateway/ingest/decode.h"

#include <fmt/format.h>

#include <utility>

#include "common/otlp/json.h"

namespace wirespan::gateway {

otlp::Encoding EncodingOfMessage(std::string_view message) {
  const otlp::Encoding detected = otlp::DetectEncoding(message);
  if (detected != otlp::Encoding::kIdentity || message.size() < 2) return detected;
  // zlib's header: 32 KiB window, deflate, and a check that the two bytes are a multiple of 31.
  const auto first = static_cast<unsigned char>(message[0]);
  const auto second = static_cast<unsigned char>(message[1]);
  const bool zlib = first == 0x78 && (first * 256u + second) % 31 == 0;
  return zlib ? otlp::Encoding::kDeflate : otlp::Encoding::kIdentity;
}

Outcome Decompress(otlp::Encoding encoding, std::string_view compressed, std::size_t max_bytes,
                   std::string& out) {
  thread_local otlp::Decompressor decompressor;
  switch (decompressor.Decompress(encoding, compressed, max_bytes, out)) {
    case otlp::Decompressor::Outcome::kOk:
      return {};
    case otlp::Decompressor::Outcome::kTooLarge:
      return Outcome::Reject(
          StatusCode::kResourceExhausted,
          fmt::format("the request is larger than {} bytes when decompressed", max_bytes));
    case otlp::Decompressor::Outcome::kInvalid:
      break;
  }
  return Outcome::Reject(StatusCode::kInvalidArgument,
                         fmt::format("the request is not valid {}", otlp::EncodingName(encoding)));
}

Outcome FromJson(Signal signal, std::string_view json, std::string& out) {
  auto bytes = otlp::RequestFromJson(signal, json);
  if (!bytes) {
    return Outcome::Reject(StatusCode::kInvalidArgument, "JSON: " + bytes.error().message);
  }
  out = std::move(*bytes);
  return {};
}

}  // namespace wirespan::gateway
