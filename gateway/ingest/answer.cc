#include "gateway/ingest/answer.h"

#include "common/base/strings.h"
#include "common/otlp/status.h"

namespace wirespan::gateway {

std::chrono::milliseconds RetryDelayOf(const Outcome& outcome) {
  constexpr std::chrono::milliseconds kUnknown{1000};  // whoever refused did not say
  return outcome.retry_after.value_or(kUnknown);
}

otlp::RpcStatus RpcStatusOf(const Outcome& outcome) {
  otlp::RpcStatus status{.code = static_cast<int>(outcome.code),
                         .message = std::string(TruncateUtf8(outcome.message, kMaxMessageBytes))};
  if (outcome.retryable) status.retry_delay = RetryDelayOf(outcome);
  if (outcome.code == StatusCode::kInvalidArgument) {
    status.violations.push_back({.field = "request", .description = status.message});
  }
  return status;
}

otlp::PartialSuccess PartialSuccessOf(const Outcome& outcome) {
  return {.rejected = static_cast<std::int64_t>(outcome.rejected_items),
          .message = std::string(TruncateUtf8(outcome.message, kMaxMessageBytes))};
}

int HttpStatusOf(const Outcome& outcome) {
  if (outcome.retryable) return outcome.code == StatusCode::kResourceExhausted ? 429 : 503;
  if (outcome.code == StatusCode::kResourceExhausted) return 413;
  return otlp::HttpFromGrpc(static_cast<int>(outcome.code));
}

}  // namespace wirespan::gateway
