#include "gateway/ingest/answer.h"

#include "common/otlp/status.h"

namespace wirespan::gateway {

otlp::RpcStatus RpcStatusOf(const Outcome& outcome) {
  otlp::RpcStatus status{.code = static_cast<int>(outcome.code), .message = outcome.message};
  if (outcome.retryable) status.retry_delay = outcome.retry_after;
  if (outcome.code == StatusCode::kInvalidArgument) {
    status.violations.push_back({.field = "request", .description = outcome.message});
  }
  return status;
}

otlp::PartialSuccess PartialSuccessOf(const Outcome& outcome) {
  if (outcome.rejected_items == 0) return {};
  return {.rejected = static_cast<std::int64_t>(outcome.rejected_items),
          .message = outcome.message};
}

int HttpStatusOf(const Outcome& outcome) {
  if (outcome.retryable) return outcome.code == StatusCode::kResourceExhausted ? 429 : 503;
  if (outcome.code == StatusCode::kResourceExhausted) return 413;
  return otlp::HttpFromGrpc(static_cast<int>(outcome.code));
}

}  // namespace wirespan::gateway
