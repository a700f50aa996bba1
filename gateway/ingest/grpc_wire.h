#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/server.h"
#include "common/otlp/compress.h"
#include "gateway/pipeline/outcome.h"

// gRPC's words for calls over HTTP/2 ("gRPC over HTTP2" in gRPC's documentation), where our
// own server speaks it.
namespace wirespan::gateway {

// Of a message: whether it is compressed, and its length in 4 bytes, big-endian.
inline constexpr std::size_t kGrpcPrefix = 5;

// "application/grpc", with "+proto", or with parameters.
bool IsGrpc(std::string_view content_type);

// The one message of a request's body. Not ok: what is wrong with it; `coding` is by the header
// grpc-encoding, kIdentity for a message that is marked as uncompressed.
struct GrpcMessage {
  Outcome outcome{};
  otlp::Encoding coding = otlp::Encoding::kIdentity;
  std::string_view bytes{};  // points into the body
};
GrpcMessage ReadGrpcMessage(std::string_view body, std::string_view grpc_encoding,
                            std::size_t max_bytes);

// The header grpc-timeout: up to 8 digits and a unit. nullopt: not one.
std::optional<std::chrono::nanoseconds> ReadGrpcTimeout(std::string_view text);

// Everything but printable ASCII, and the percent sign, as %XX.
std::string EncodeGrpcMessage(std::string_view text);

// A message and its status, in trailers; without an ok Outcome the status alone, with
// google.rpc.Status in grpc-status-details-bin.
http::Response GrpcResponse(std::string_view message);
http::Response GrpcFailure(const Outcome& outcome);

// Of a method that answers with a stream: its messages after another, and how it ended.
void AppendGrpcMessage(std::string& body, std::string_view message);
http::Response GrpcStream(std::string body, const Outcome& outcome);

}  // namespace wirespan::gateway
