#include "common/otlp/response.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/otlp/json_text.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

constexpr std::string_view kRetryInfo = "type.googleapis.com/google.rpc.RetryInfo";
constexpr std::string_view kBadRequest = "type.googleapis.com/google.rpc.BadRequest";

std::string Any(std::string_view type, std::string_view value) {
  std::string any;
  AppendBytesField(any, 1, type);
  AppendBytesField(any, 2, value);
  return any;
}

std::string RetryInfo(std::chrono::milliseconds delay) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
  const auto nanos = std::chrono::nanoseconds(delay - seconds).count();
  std::string duration;
  if (seconds.count() != 0)
    AppendVarintField(duration, 1, static_cast<std::uint64_t>(seconds.count()));
  if (nanos != 0) AppendVarintField(duration, 2, static_cast<std::uint64_t>(nanos));
  std::string info;
  AppendBytesField(info, 1, duration);
  return info;
}

// A wait of up to a year, whatever the peer wrote; a negative one is none.
std::optional<std::chrono::milliseconds> DecodeRetryInfo(std::string_view bytes) {
  constexpr std::int64_t kYear = 365 * 86400;
  std::optional<std::chrono::milliseconds> delay;
  Reader info(bytes);
  for (Field field; info.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    Reader duration(field.bytes);
    for (Field part; duration.Next(part);) {
      if (part.Is(1, WireType::kVarint)) seconds = static_cast<std::int64_t>(part.value);
      if (part.Is(2, WireType::kVarint)) nanos = static_cast<std::int64_t>(part.value);
    }
    seconds = std::clamp<std::int64_t>(seconds, 0, kYear);
    nanos = std::clamp<std::int64_t>(nanos, 0, 999'999'999);
    delay = std::chrono::seconds(seconds) +
            std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(nanos));
  }
  // RetryInfo without a delay still says "retry"; when is the client's own choice.
  return info.ok() ? std::optional(delay.value_or(std::chrono::milliseconds(0))) : std::nullopt;
}

void DecodeBadRequest(std::string_view bytes, std::vector<FieldViolation>& violations) {
  Reader reader(bytes);
  for (Field field; reader.Next(field) && violations.size() < 16;) {
    if (!field.Is(1, WireType::kBytes)) continue;
    FieldViolation& violation = violations.emplace_back();
    Reader parts(field.bytes);
    for (Field part; parts.Next(part);) {
      if (part.Is(1, WireType::kBytes)) violation.field = part.bytes;
      if (part.Is(2, WireType::kBytes)) violation.description = part.bytes;
    }
  }
}

}  // namespace

std::string EncodeResponse(const PartialSuccess& partial, std::size_t max_bytes) {
  if (!partial.populated()) return {};
  constexpr std::size_t kAround = 32;
  std::string inner;
  if (partial.rejected != 0) {
    AppendVarintField(inner, 1, static_cast<std::uint64_t>(partial.rejected));
  }
  const auto message = TruncateUtf8(partial.message, max_bytes > kAround ? max_bytes - kAround : 0);
  if (!message.empty()) AppendBytesField(inner, 2, message);
  std::string response;
  AppendBytesField(response, 1, inner);
  return response;
}

bool DecodeResponse(std::string_view bytes, PartialSuccess& partial) {
  partial = {};
  Reader reader(bytes);
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    Reader inner(field.bytes);
    for (Field part; inner.Next(part);) {
      if (part.Is(1, WireType::kVarint)) partial.rejected = static_cast<std::int64_t>(part.value);
      if (part.Is(2, WireType::kBytes)) partial.message = part.bytes;
    }
    if (!inner.ok()) return false;
  }
  return reader.ok();
}

std::string EncodeStatus(const RpcStatus& status) {
  std::string out;
  if (status.code != 0) AppendVarintField(out, 1, static_cast<std::uint64_t>(status.code));
  if (!status.message.empty()) AppendBytesField(out, 2, status.message);
  if (status.retry_delay) AppendBytesField(out, 3, Any(kRetryInfo, RetryInfo(*status.retry_delay)));
  if (!status.violations.empty()) {
    std::string bad_request;
    for (const FieldViolation& violation : status.violations) {
      std::string inner;
      AppendBytesField(inner, 1, violation.field);
      AppendBytesField(inner, 2, violation.description);
      AppendBytesField(bad_request, 1, inner);
    }
    AppendBytesField(out, 3, Any(kBadRequest, bad_request));
  }
  return out;
}

bool DecodeStatus(std::string_view bytes, RpcStatus& status) {
  status = {};
  Reader reader(bytes);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kVarint)) status.code = static_cast<int>(field.value);
    if (field.Is(2, WireType::kBytes)) status.message = field.bytes;
    if (!field.Is(3, WireType::kBytes)) continue;
    std::string_view type, value;
    Reader any(field.bytes);
    for (Field part; any.Next(part);) {
      if (part.Is(1, WireType::kBytes)) type = part.bytes;
      if (part.Is(2, WireType::kBytes)) value = part.bytes;
    }
    if (!any.ok()) return false;
    if (type == kRetryInfo) status.retry_delay = DecodeRetryInfo(value);
    if (type == kBadRequest) DecodeBadRequest(value, status.violations);
  }
  return reader.ok();
}

std::string ResponseToJson(const PartialSuccess& partial, Signal signal) {
  if (!partial.populated()) return "{}";
  std::string inner;
  if (partial.rejected != 0) {
    static constexpr std::string_view kNames[] = {"rejectedSpans", "rejectedDataPoints",
                                                  "rejectedLogRecords", "rejectedProfiles"};
    inner = "\"" + std::string(kNames[static_cast<std::size_t>(signal)]) + "\":\"" +
            std::to_string(partial.rejected) + "\"";
  }
  if (!partial.message.empty()) {
    inner += inner.empty() ? "\"errorMessage\":" : ",\"errorMessage\":";
    AppendJsonString(inner, partial.message);
  }
  return "{\"partialSuccess\":{" + inner + "}}";
}

std::string StatusToJson(const RpcStatus& status) {
  std::string out = "{\"code\":" + std::to_string(status.code);
  if (!status.message.empty()) {
    out += ",\"message\":";
    AppendJsonString(out, status.message);
  }
  std::string details;
  if (status.retry_delay) {
    const std::int64_t ms = status.retry_delay->count();
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    details += "{\"@type\":\"" + std::string(kRetryInfo) + "\",\"retryDelay\":\"" +
               std::to_string(ms / 1000) + (ms % 1000 != 0 ? "." + fraction : "") + "s\"}";
  }
  if (!status.violations.empty()) {
    if (!details.empty()) details += ',';
    details += "{\"@type\":\"" + std::string(kBadRequest) + "\",\"fieldViolations\":[";
    for (std::size_t i = 0; i < status.violations.size(); ++i) {
      details += i == 0 ? "{\"field\":" : ",{\"field\":";
      AppendJsonString(details, status.violations[i].field);
      details += ",\"description\":";
      AppendJsonString(details, status.violations[i].description);
      details += '}';
    }
    details += "]}";
  }
  if (!details.empty()) out += ",\"details\":[" + details + "]";
  return out + "}";
}

}  // namespace wirespan::otlp
