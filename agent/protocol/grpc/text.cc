#include "agent/protocol/grpc/text.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace wirespan::grpc {
namespace {

constexpr std::string_view kContentType = "application/grpc";

constexpr std::array<std::string_view, kStatuses> kNames = {
    "OK",
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
    "UNAUTHENTICATED",
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool IsGrpc(std::string_view content_type) {
  if (content_type.size() < kContentType.size()) return false;
  for (std::size_t i = 0; i < kContentType.size(); ++i) {
    if (Lower(content_type[i]) != kContentType[i]) return false;
  }
  const std::string_view rest = content_type.substr(kContentType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

std::optional<std::chrono::nanoseconds> ParseTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  // 10^8 hours are more nanoseconds than fit.
  const auto in = [value](std::int64_t unit_ns) {
    constexpr std::int64_t kMax = INT64_MAX;
    return std::chrono::nanoseconds(value > kMax / unit_ns ? kMax : value * unit_ns);
  };
  switch (text.back()) {
    case 'H':
      return in(3'600'000'000'000);
    case 'M':
      return in(60'000'000'000);
    case 'S':
      return in(1'000'000'000);
    case 'm':
      return in(1'000'000);
    case 'u':
      return in(1'000);
    case 'n':
      return in(1);
    default:
      return std::nullopt;
  }
}

int ParseStatus(std::string_view text) {
  if (text.empty() || text.size() > 2) return kUnknown;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return kUnknown;
    value = value * 10 + (c - '0');
  }
  return value < kStatuses ? value : kUnknown;
}

std::string_view StatusName(int status) {
  const bool known = status >= 0 && status < kStatuses;
  return kNames[static_cast<std::size_t>(known ? status : static_cast<int>(kUnknown))];
}

std::optional<int> StatusByName(std::string_view name) {
  for (int status = 0; status < kStatuses; ++status) {
    const std::string_view known = kNames[static_cast<std::size_t>(status)];
    if (std::equal(known.begin(), known.end(), name.begin(), name.end(),
                   [](char a, char b) { return Lower(a) == Lower(b); })) {
      return status;
    }
  }
  return std::nullopt;
}

std::string DecodeMessage(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < max_bytes; ++i) {
    if (text[i] == '%' && text.size() - i > 2) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

int StatusFromHttp(int http_status) {
  switch (http_status) {
    case 400:
      return kInternal;
    case 401:
      return kUnauthenticated;
    case 403:
      return kPermissionDenied;
    case 404:
      return kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return kUnavailable;
    default:
      return kUnknown;
  }
}

int StatusFromReset(std::uint32_t error_code) {
  switch (error_code) {
    case 0:   // NO_ERROR
    case 1:   // PROTOCOL_ERROR
    case 2:   // INTERNAL_ERROR
    case 3:   // FLOW_CONTROL_ERROR
    case 4:   // SETTINGS_TIMEOUT
    case 6:   // FRAME_SIZE_ERROR
    case 9:   // COMPRESSION_ERROR
    case 10:  // CONNECT_ERROR
      return kInternal;
    case 7:  // REFUSED_STREAM
      return kUnavailable;
    case 8:  // CANCEL
      return kCancelled;
    case 11:  // ENHANCE_YOUR_CALM
      return kResourceExhausted;
    case 12:  // INADEQUATE_SECURITY
      return kPermissionDenied;
    default:
      return kUnknown;
  }
}

}  // namespace wirespan::grpc
