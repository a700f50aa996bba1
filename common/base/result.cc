#include "common/base/result.h"

#include <cerrno>
#include <system_error>

namespace wirespan {
namespace {

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EPERM:
    case EACCES:
      return ErrorCode::kPermissionDenied;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::kUnsupported;
    case EAGAIN:
    case ECONNREFUSED:
    case ECONNRESET:
      return ErrorCode::kUnavailable;
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kResourceExhausted;
    case EINVAL:
      return ErrorCode::kInvalidArgument;
    case ETIMEDOUT:
      return ErrorCode::kDeadlineExceeded;
    default:
      return ErrorCode::kUnknown;
  }
}

}  // namespace

tl::unexpected<Error> FailErrno(std::string_view what, int error_number) {
  return Fail(CodeOf(error_number),
              std::string(what) + ": " + std::generic_category().message(error_number));
}

}  // namespace wirespan
