#pragma once

#include "common/base/result.h"

namespace wirespan::app {

// How a command ends (docs/operating.md). Every failure also says one sentence on standard error.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;      // something broke while running, or an address is in use
inline constexpr int kExitUsage = 2;       // flag, config file or input is wrong
inline constexpr int kExitPermission = 3;  // not root, or a capability is missing
inline constexpr int kExitUnsupported = 4;  // this kernel lacks what is needed

inline int ExitCodeOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
      return kExitUsage;
    case ErrorCode::kPermissionDenied:
      return kExitPermission;
    case ErrorCode::kUnsupported:
      return kExitUnsupported;
    default:
      return kExitFailed;
  }
}

}  // namespace wirespan::app
