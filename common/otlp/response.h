#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/otlp/signal.h"

// What a server answers: Export*ServiceResponse (the same field numbers for every signal) and
// google.rpc.Status.
namespace wirespan::otlp {

struct PartialSuccess {
  std::int64_t rejected = 0;  // spans, data points or log records
  std::string message{};
  // Rejected items, or a warning with none: either way the request must not be sent again.
  bool populated() const { return rejected != 0 || !message.empty(); }
};

// Empty bytes if nothing was rejected and nothing is to be said. A message that would pass
// `max_bytes` is shortened.
std::string EncodeResponse(const PartialSuccess& partial, std::size_t max_bytes = 4u << 20);
// False: malformed.
bool DecodeResponse(std::string_view bytes, PartialSuccess& partial);

struct FieldViolation {
  std::string field{};
  std::string description{};
};

// google.rpc.Status with the two details that OTLP uses; other details are ignored when decoding.
struct RpcStatus {
  int code = 0;
  std::string message{};
  std::optional<std::chrono::milliseconds> retry_delay{};  // RetryInfo
  std::vector<FieldViolation> violations{};                // BadRequest
};
std::string EncodeStatus(const RpcStatus& status);
bool DecodeStatus(std::string_view bytes, RpcStatus& status);

// The same for OTLP/JSON, where the name of the count depends on the signal ("rejectedSpans").
std::string ResponseToJson(const PartialSuccess& partial, Signal signal);
std::string StatusToJson(const RpcStatus& status);
// False: malformed, and `partial` is as it was.
bool DecodeResponseJson(std::string_view json, PartialSuccess& partial);

}  // namespace wirespan::otlp
