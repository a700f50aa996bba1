#include "gateway/query/jaeger_v3_grpc.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "gateway/ingest/decode.h"
#include "gateway/ingest/grpc_wire.h"
#include "gateway/query/jaeger_v3_messages.h"

namespace wirespan::gateway::query {

namespace {

using store::QueryLimits;
using store::TraceStore;

constexpr std::size_t kMaxSpanBytes = 16u << 20;    // of one answer
constexpr std::size_t kMaxMessageBytes = 1u << 20;  // about, of a stream
constexpr std::size_t kMaxRequestBytes = 64u << 10;
constexpr std::chrono::seconds kMaxTime{10};
constexpr std::string_view kService = "/jaeger.api_v3.QueryService/";

http::Response Refuse(const Error& error) {
  return GrpcFailure(Outcome::Reject(StatusCode::kInvalidArgument, error.message));
}

// What was found is sent; the status tells whether that is all.
http::Response Stream(const TraceStore::Found& found) {
  std::string body;
  for (const store::FoundTrace& trace : found.traces) {
    for (const std::string_view message : SplitTrace(trace.spans, kMaxMessageBytes)) {
      AppendGrpcMessage(body, message);
    }
  }
  Outcome outcome;
  if (!found.complete) {
    outcome = Outcome::Reject(
        StatusCode::kResourceExhausted,
        "the result is not complete: it took too long or is too large; ask for less");
  }
  return GrpcStream(std::move(body), outcome);
}

}  // namespace

http::Response JaegerV3Grpc::Answer(const http::Request& request,
                                    const std::function<bool()>& gone) const {
  const GrpcMessage received =
      ReadGrpcMessage(request.body, http::FindHeader(request.headers, "grpc-encoding").value_or(""),
                      kMaxRequestBytes);
  if (!received.outcome.ok()) return GrpcFailure(received.outcome);
  std::string_view message = received.bytes;
  std::string inflated;
  if (received.coding != otlp::Encoding::kIdentity) {
    const Outcome outcome = Decompress(received.coding, message, kMaxRequestBytes, inflated);
    if (!outcome.ok()) return GrpcFailure(outcome);
    message = inflated;
  }
  const auto until = std::chrono::steady_clock::now() + kMaxTime;
  const QueryLimits limits{.max_bytes = kMaxSpanBytes, .stop = [&] {
                             return std::chrono::steady_clock::now() > until || (gone && gone());
                           }};
  std::string_view method = request.path;
  if (method.starts_with(kService)) {
    method.remove_prefix(kService.size());
    if (method == "GetTrace") return GetTrace(message, limits);
    if (method == "FindTraces") return FindTraces(message, limits);
    if (method == "GetServices") return GrpcResponse(EncodeServices(store_.Services()));
    if (method == "GetOperations") return GetOperations(message);
  }
  return GrpcFailure(
      Outcome::Reject(StatusCode::kUnimplemented, fmt::format("unknown method {}", request.path)));
}

http::Response JaegerV3Grpc::GetTrace(std::string_view message, const QueryLimits& limits) const {
  const auto id = ReadGetTrace(message);
  if (!id) return Refuse(id.error());
  return Stream(store_.Get(std::span(&*id, 1), limits));
}

http::Response JaegerV3Grpc::FindTraces(std::string_view message, const QueryLimits& limits) const {
  const auto query = ReadFindTraces(message);
  if (!query) return Refuse(query.error());
  return Stream(store_.Search(*query, limits));
}

http::Response JaegerV3Grpc::GetOperations(std::string_view message) const {
  const auto request = ReadGetOperations(message);
  if (!request) return Refuse(request.error());
  return GrpcResponse(EncodeOperations(store_.Operations(request->service), request->span_kind));
}

}  // namespace wirespan::gateway::query
