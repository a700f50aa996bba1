#pragma once

#include <chrono>

#include "common/otlp/response.h"
#include "gateway/pipeline/outcome.h"

// What a sender is told about an Outcome.
namespace wirespan::gateway {

// When to come again after a retryable failure: every one of them says so.
std::chrono::milliseconds RetryDelayOf(const Outcome& outcome);

// A retryable failure carries RetryInfo, INVALID_ARGUMENT a BadRequest.
otlp::RpcStatus RpcStatusOf(const Outcome& outcome);

// Nothing rejected and nothing to say: not populated, and its encoding is empty.
otlp::PartialSuccess PartialSuccessOf(const Outcome& outcome);

// OTLP/HTTP's status for a failure: 400, 413 (too large), 503 (retryable), ...
int HttpStatusOf(const Outcome& outcome);

}  // namespace wirespan::gateway
