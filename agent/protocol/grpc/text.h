#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What gRPC writes into headers and trailers (grpc/doc/PROTOCOL-HTTP2.md): pure functions of text.
namespace wirespan::grpc {

// "application/grpc", alone or followed by "+..." or ";..."; gRPC-Web is another protocol.
bool IsGrpc(std::string_view content_type);

// "100m": at most eight digits and a unit of H M S m u n. Nothing: no timeout that a program would
// accept.
std::optional<std::chrono::nanoseconds> ParseTimeout(std::string_view text);

inline constexpr int kStatuses = 17;
enum Status : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// The decimal code. Programs take what they can't read, and codes that they don't know, for
// UNKNOWN; so does this.
int ParseStatus(std::string_view text);
// "NOT_FOUND"; "UNKNOWN" for numbers that are no status.
std::string_view StatusName(int status);
// The number of a name, in any case of letters; nothing: it is no status.
std::optional<int> StatusByName(std::string_view name);

// Percent-encoded UTF-8. Bad escapes stay as they are; at most `max_bytes` come out.
std::string DecodeMessage(std::string_view text, std::size_t max_bytes);

// What programs conclude where there is no grpc-status (grpc/doc/http-grpc-status-mapping.md).
int StatusFromHttp(int http_status);
// ... and of RST_STREAM's code.
int StatusFromReset(std::uint32_t error_code);

}  // namespace wirespan::grpc
