#include "common/otlp/status.h"

#include <array>

namespace wirespan::otlp {

std::string_view GrpcCodeName(int code) {
  static constexpr std::array<std::string_view, 17> kNames = {"OK",
                                                              "CANCELLED",
                                                              "UNKNOWN",
                                                              "INVALID_ARGUMENT",
                                                              "DEADLINE_EXCEEDED",
                                                              "NOT_FOUND",
                                                              "ALREADY_EXISTS",
                                                              "PERMISSION_DENIED",
                                                              "RESOURCE_EXHAUSTED",
                                                              "FAILED_PRECONDITION",
                                                              "ABORTED",
                                                              "OUT_OF_RANGE",
                                                              "UNIMPLEMENTED",
                                                              "INTERNAL",
                                                              "UNAVAILABLE",
                                                              "DATA_LOSS",
                                                              "UNAUTHENTICATED"};
  if (code < 0 || code >= static_cast<int>(kNames.size())) return "UNKNOWN";
  return kNames[static_cast<std::size_t>(code)];
}

std::string GrpcReason(std::string_view message) {
  // gRPC 1.51, where certificates are read from files that may change.
  if (message.find("Hostname Verification Check failed") == std::string_view::npos)
    return std::string(message);
  return "the server's certificate names another host: " + std::string(message);
}

bool GrpcRetryable(int code, bool has_retry_info) {
  switch (static_cast<GrpcCode>(code)) {
    case GrpcCode::kCancelled:
    case GrpcCode::kDeadlineExceeded:
    case GrpcCode::kAborted:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kUnavailable:
    case GrpcCode::kDataLoss:
      return true;
    case GrpcCode::kResourceExhausted:
      return has_retry_info;
    default:
      return false;
  }
}

bool HttpRetryable(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

int HttpFromGrpc(int code) {
  switch (static_cast<GrpcCode>(code)) {
    case GrpcCode::kOk:
      return 200;
    case GrpcCode::kInvalidArgument:
    case GrpcCode::kFailedPrecondition:
    case GrpcCode::kOutOfRange:
      return 400;
    case GrpcCode::kUnauthenticated:
      return 401;
    case GrpcCode::kPermissionDenied:
      return 403;
    case GrpcCode::kNotFound:
      return 404;
    case GrpcCode::kAlreadyExists:
    case GrpcCode::kAborted:
      return 409;
    case GrpcCode::kResourceExhausted:
      return 429;
    case GrpcCode::kCancelled:
      return 499;
    case GrpcCode::kUnimplemented:
      return 501;
    case GrpcCode::kUnavailable:
      return 503;
    case GrpcCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

int GrpcFromHttp(int status) {
  const auto code = [](GrpcCode value) { return static_cast<int>(value); };
  switch (status) {
    case 400:
      return code(GrpcCode::kInvalidArgument);
    case 401:
      return code(GrpcCode::kUnauthenticated);
    case 403:
      return code(GrpcCode::kPermissionDenied);
    case 404:
      return code(GrpcCode::kUnimplemented);
    case 413:
      return code(GrpcCode::kResourceExhausted);
    case 429:
    case 502:
    case 503:
    case 504:
      return code(GrpcCode::kUnavailable);
    default:
      break;
  }
  if (status >= 200 && status < 300) return code(GrpcCode::kOk);
  return status >= 400 && status < 500 ? code(GrpcCode::kInvalidArgument)
                                       : code(GrpcCode::kInternal);
}

}  // namespace wirespan::otlp
