#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Outcome codes of OTLP's two transports and what a client may do after each.
namespace wirespan::otlp {

// Numbers of gRPC.
enum class GrpcCode : std::uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "UNAVAILABLE"; "UNKNOWN" for numbers beyond 16.
std::string_view GrpcCodeName(int code);
// gRPC's message of a failed call for people: what its TLS says in words of its own gets ours in
// front.
std::string GrpcReason(std::string_view message);
// OTLP specification, failures of OTLP/gRPC: RESOURCE_EXHAUSTED only where the server says when
// (RetryInfo).
bool GrpcRetryable(int code, bool has_retry_info);

// 429, 502, 503, 504 and no other.
bool HttpRetryable(int status);
// For answering over the other transport.
int HttpFromGrpc(int code);
int GrpcFromHttp(int status);

}  // namespace wirespan::otlp
