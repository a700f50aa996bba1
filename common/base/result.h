#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

// Errors are values. A function that can fail returns Result<T>; each layer adds what it was doing,
// so that the message reads outermost first:
//
//   attach sock_recv_length: open /sys/kernel/btf/vmlinux: No such file or directory
//
// Bytes from outside (packets, bodies of requests) are never an Error: parsers have outcomes of
// their own.
namespace wirespan {

// What a caller can decide on. The message is for people; the code is for programs.
enum class ErrorCode : unsigned char {
  kUnknown,
  kInvalidArgument,  // the input is wrong and will stay wrong: config, flag, peer's message
  kNotFound,
  kPermissionDenied,
  kUnsupported,        // this kernel or build lacks it
  kUnavailable,        // may work later: retry
  kResourceExhausted,  // a bound was reached: the caller keeps what it has, or drops and counts
  kDeadlineExceeded,
  kCancelled,
};

struct Error {
  ErrorCode code = ErrorCode::kUnknown;
  std::string message;  // one sentence, no trailing full stop, no secrets, no payload
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// The same error, one layer further out: "what: message".
[[nodiscard]] inline tl::unexpected<Error> Wrap(std::string_view what, Error error) {
  return tl::unexpected<Error>(
      Error{error.code, std::string(what) + ": " + std::move(error.message)});
}

// The error of the system call that just failed: "what: No such file or directory".
[[nodiscard]] tl::unexpected<Error> FailErrno(std::string_view what, int error_number);

}  // namespace wirespan
