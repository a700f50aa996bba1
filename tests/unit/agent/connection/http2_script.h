#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/protocol/http2/frame.h"

// HTTP/2 octets written by hand, where a test has to say exactly what is on the wire.
namespace wirespan::connection::script {

inline std::string Number(std::uint32_t value, unsigned bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
  return out;
}

inline std::string Frame(http2::FrameType type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload) {
  return Number(static_cast<std::uint32_t>(payload.size()), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + Number(stream, 4) + std::string(payload);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// Literals without indexing; no Huffman code.
inline std::string Block(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    for (const std::string& text : {name, value}) {
      if (text.size() < 127) {
        out += static_cast<char>(text.size());
      } else {
        out += '\x7f';
        std::size_t rest = text.size() - 127;
        for (; rest >= 128; rest >>= 7) out += static_cast<char>(0x80 | (rest & 0x7f));
        out += static_cast<char>(rest);
      }
      out += text;
    }
  }
  return out;
}

inline std::string Headers(std::uint32_t stream, const Fields& fields, bool end = false) {
  return Frame(http2::FrameType::kHeaders,
               static_cast<std::uint8_t>(http2::kEndHeaders | (end ? http2::kEndStream : 0)),
               stream, Block(fields));
}
inline std::string Data(std::uint32_t stream, std::string_view payload, bool end = false) {
  return Frame(http2::FrameType::kData, end ? http2::kEndStream : 0, stream, payload);
}
inline std::string Reset(std::uint32_t stream, std::uint32_t code) {
  return Frame(http2::FrameType::kRstStream, 0, stream, Number(code, 4));
}
inline std::string Goaway(std::uint32_t last, std::uint32_t code) {
  return Frame(http2::FrameType::kGoaway, 0, 0, Number(last, 4) + Number(code, 4));
}
inline std::string Settings() { return Frame(http2::FrameType::kSettings, 0, 0, ""); }
inline std::string Hello() { return std::string(http2::kPreface) + Settings(); }

inline std::string Grpc(std::string_view contents) {
  return std::string(1, '\0') + Number(static_cast<std::uint32_t>(contents.size()), 4) +
         std::string(contents);
}

inline std::string Get(std::uint32_t stream, std::string path, bool end = true) {
  return Headers(
      stream,
      {{":method", "GET"}, {":scheme", "http"}, {":path", std::move(path)}, {":authority", "h"}},
      end);
}
inline std::string Call(std::uint32_t stream, std::string path, std::string timeout = "") {
  Fields fields{{":method", "POST"},
                {":scheme", "http"},
                {":path", std::move(path)},
                {":authority", "h"},
                {"content-type", "application/grpc"}};
  if (!timeout.empty()) fields.emplace_back("grpc-timeout", std::move(timeout));
  return Headers(stream, fields);
}
inline std::string Ok(std::uint32_t stream, bool end = false) {
  return Headers(stream, {{":status", "200"}, {"content-type", "text/plain"}}, end);
}
inline std::string GrpcOk(std::uint32_t stream) {
  return Headers(stream, {{":status", "200"}, {"content-type", "application/grpc"}});
}
inline std::string Trailers(std::uint32_t stream, std::string status, std::string message = "") {
  Fields fields{{"grpc-status", std::move(status)}};
  if (!message.empty()) fields.emplace_back("grpc-message", std::move(message));
  return Headers(stream, fields, true);
}

}  // namespace wirespan::connection::script
