#include "gateway/ingest/grpc_wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "common/otlp/response.h"
#include "gateway/ingest/answer.h"

namespace wirespan::gateway {

namespace {
constexpr std::string_view kContentType = "application/grpc";
constexpr std::string_view kAccepted = "identity,gzip,deflate,zstd";
// Of google.rpc.Status: a message, the same in a BadRequest, and what stands around them.
constexpr std::size_t kMaxDetailsBytes = 3 * kMaxMessageBytes;

std::uint32_t LengthIn(std::string_view prefix) {
  std::uint32_t length = 0;
  for (const char byte : prefix.substr(1, 4))
    length = length << 8 | static_cast<unsigned char>(byte);
  return length;
}

GrpcMessage Bad(StatusCode code, std::string why) {
  return {.outcome = Outcome::Reject(code, std::move(why))};
}
}  // namespace

bool IsGrpc(std::string_view content_type) {
  if (!StartsWithIgnoreCase(content_type, kContentType)) return false;
  const std::string_view rest = content_type.substr(kContentType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

GrpcMessage ReadGrpcMessage(std::string_view body, std::string_view grpc_encoding,
                            std::size_t max_bytes) {
  if (body.size() < kGrpcPrefix) {
    return Bad(StatusCode::kInvalidArgument, "the call carried no message");
  }
  const std::uint32_t length = LengthIn(body);
  if (length > max_bytes) {
    return Bad(StatusCode::kResourceExhausted,
               fmt::format("the message is larger than {} bytes", max_bytes));
  }
  if (body.size() - kGrpcPrefix < length) {
    return Bad(StatusCode::kInvalidArgument, "the message is cut off");
  }
  if (body.size() - kGrpcPrefix > length) {
    return Bad(StatusCode::kInternal, "the call carried more than one message");
  }
  GrpcMessage message{.bytes = body.substr(kGrpcPrefix)};
  if (body[0] == 0) return message;
  if (body[0] != 1)
    return Bad(StatusCode::kInternal, "the message's compressed flag is not 0 or 1");
  const std::optional<otlp::Encoding> coding = otlp::ParseEncoding(grpc_encoding);
  if (!coding) {
    return Bad(StatusCode::kUnimplemented,
               fmt::format("grpc-encoding must be one of {}", kAccepted));
  }
  if (*coding == otlp::Encoding::kIdentity) {
    return Bad(StatusCode::kInternal, "a compressed message without grpc-encoding");
  }
  message.coding = *coding;
  return message;
}

std::optional<std::chrono::nanoseconds> ReadGrpcTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const auto value = ParseUint(text.substr(0, text.size() - 1));
  if (!value) return std::nullopt;
  const auto count = static_cast<std::int64_t>(*value);  // below 10^8
  switch (text.back()) {
    case 'H':
      // Longer than any call lives; the full range of hours would not fit into nanoseconds.
      return std::chrono::hours(std::min<std::int64_t>(count, 24 * 365));
    case 'M':
      return std::chrono::minutes(count);
    case 'S':
      return std::chrono::seconds(count);
    case 'm':
      return std::chrono::milliseconds(count);
    case 'u':
      return std::chrono::microseconds(count);
    case 'n':
      return std::chrono::nanoseconds(count);
    default:
      return std::nullopt;
  }
}

std::string EncodeGrpcMessage(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e || c == '%') {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

void AppendGrpcMessage(std::string& body, std::string_view message) {
  body.push_back(0);
  for (int shift = 24; shift >= 0; shift -= 8) {
    body.push_back(static_cast<char>(message.size() >> shift & 0xff));
  }
  body.append(message);
}

http::Response GrpcStream(std::string body, const Outcome& outcome) {
  if (body.empty() && !outcome.ok()) return GrpcFailure(outcome);
  http::Response response;
  response.headers = {{"content-type", std::string(kContentType)},
                      {"grpc-accept-encoding", std::string(kAccepted)}};
  http::Headers end = {{"grpc-status", std::to_string(static_cast<int>(outcome.code))}};
  if (!outcome.ok()) {
    end.emplace_back("grpc-message",
                     EncodeGrpcMessage(TruncateUtf8(outcome.message, kMaxMessageBytes)));
  }
  // Without a message the status stands in the headers, which end the stream.
  http::Headers& at = body.empty() ? response.headers : response.trailers;
  at.insert(at.end(), end.begin(), end.end());
  response.body = std::move(body);
  return response;
}

http::Response GrpcResponse(std::string_view message) {
  http::Response response;
  response.headers = {{"content-type", std::string(kContentType)},
                      {"grpc-accept-encoding", std::string(kAccepted)}};
  response.body.reserve(kGrpcPrefix + message.size());
  AppendGrpcMessage(response.body, message);
  response.trailers = {{"grpc-status", "0"}};
  return response;
}

http::Response GrpcFailure(const Outcome& outcome) {
  http::Response response;
  std::string details = Base64(otlp::EncodeStatus(RpcStatusOf(outcome)));
  while (details.ends_with('=')) details.pop_back();
  response.headers = {
      {"content-type", std::string(kContentType)},
      {"grpc-status", std::to_string(static_cast<int>(outcome.code))},
      {"grpc-message", EncodeGrpcMessage(TruncateUtf8(outcome.message, kMaxMessageBytes))}};
  if (details.size() <= kMaxDetailsBytes) {
    response.headers.emplace_back("grpc-status-details-bin", std::move(details));
  }
  if (outcome.code == StatusCode::kUnimplemented) {
    response.headers.emplace_back("grpc-accept-encoding", std::string(kAccepted));
  }
  return response;
}

}  // namespace wirespan::gateway
