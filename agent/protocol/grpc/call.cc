#include "agent/protocol/grpc/call.h"

#include "agent/protocol/grpc/text.h"

namespace wirespan::grpc {
namespace {

constexpr std::uint32_t kCancel = 8;
constexpr std::uint32_t kNoError = 0;

// Timers fire late and clocks differ between the ends; the bound is 98 %.
bool TimedOut(const Ending& ending, const Call& call) {
  return call.timeout &&
         ending.elapsed >= *call.timeout / 100 * 98 + *call.timeout % 100 * 98 / 100;
}

}  // namespace

void Conclude(const Ending& ending, Call& call) {
  if (call.status) return;
  switch (ending.end) {
    case End::kResponse:
      if (!ending.trailers_known || ending.http_status == 0) return;
      call.status = ending.http_status == 200 ? static_cast<int>(kUnknown)
                                              : StatusFromHttp(ending.http_status);
      break;
    case End::kClientReset:
      // A client that gives up says CANCEL; some say NO_ERROR.
      if (!ending.error_code || *ending.error_code == kCancel || *ending.error_code == kNoError) {
        call.status = TimedOut(ending, call) ? kDeadlineExceeded : kCancelled;
      } else {
        call.status = StatusFromReset(*ending.error_code);
      }
      break;
    case End::kServerReset:
      if (!ending.error_code) return;
      call.status = *ending.error_code == kCancel && TimedOut(ending, call)
                        ? static_cast<int>(kDeadlineExceeded)
                        : StatusFromReset(*ending.error_code);
      break;
    case End::kRefused:
    case End::kConnection:
      call.status = kUnavailable;
      break;
  }
  call.status_inferred = true;
}

}  // namespace wirespan::grpc
