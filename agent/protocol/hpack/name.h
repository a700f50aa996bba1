#pragma once

#include <cstdint>
#include <string_view>

// The header names that spans need, as small numbers: no other header's value is decoded or kept.
namespace wirespan::hpack {

enum class Name : std::uint8_t {
  kOther,
  kAuthority,
  kMethod,
  kPath,
  kScheme,
  kStatus,
  kProtocol,
  kHost,
  kUserAgent,
  kContentType,
  kContentLength,
  kTraceparent,
  kTracestate,
  kForwarded,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
  kGrpcStatus,
  kGrpcMessage,
  kGrpcTimeout,
};
inline constexpr int kNames = 20;

// By the text in lower case, as HTTP/2 has it.
Name NameOf(std::string_view text);
// The text; empty for kOther.
std::string_view TextOf(Name name);

}  // namespace wirespan::hpack
