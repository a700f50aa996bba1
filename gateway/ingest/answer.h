#pragma once

#include <chrono>
#include <cstddef>

#include "common/otlp/response.h"
#include "gateway/pipeline/outcome.h"

// What a sender is told about an Outcome.
namespace wirespan::gateway {

// No sentence that a sender gets is longer (bytes): peers bound an answer, and the header lists
// that gRPC's status travels in at 8 KiB, of which it may take four times its length.
inline constexpr std::size_t kMaxMessageBytes = 1024;

// When to come again after a retryable failure: every one of them says so.
std::chrono::milliseconds RetryDelayOf(const Outcome& outcome);

// A retryable failure carries RetryInfo, INVALID_ARGUMENT a BadRequest.
otlp::RpcStatus RpcStatusOf(const Outcome& outcome);

// Nothing rejected and nothing to say: not populated, and its encoding is empty. A message without
// rejected items is a warning.
otlp::PartialSuccess PartialSuccessOf(const Outcome& outcome);

// OTLP/HTTP's status for a failure: 400, 413 (too large), 503 (retryable), ...
int HttpStatusOf(const Outcome& outcome);

}  // namespace wirespan::gateway
