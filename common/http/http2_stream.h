#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/http/server.h"

namespace wirespan::http::internal {

// One request of an HTTP/2 connection and its answer. Of the session's strand.
//
//   head ---> body ---> whole: the handler has it ---> answered: being sent ---> closed
//     \---------\--- refused: answered at once, what still comes is thrown away ---^
struct Http2Stream {
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr TimePoint kNever = TimePoint::max();

  std::int32_t id = 0;
  Request request{};
  std::size_t head_bytes = 0;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts them
  std::size_t body_limit = 0;
  std::size_t counted_bytes = 0;           // of the body, our share of Core::receiving_bytes
  std::shared_ptr<const void> admitted{};  // of ServerOptions::admit_body
  bool head_too_large = false;
  bool head_only = false;  // HEAD
  bool whole = false;      // nothing of the request is waited for: it ended, or was refused
  bool answered = false;   // `response` is being sent
  TimePoint started{};
  TimePoint deadline = kNever;   // for the peer: to send its request, then to take the answer
  TimePoint answer_by = kNever;  // for us; then `late` is the answer
  Response late{};
  std::function<void()> gone{};

  Response response{};
  std::size_t sent_bytes = 0;  // of its body
};

}  // namespace wirespan::http::internal
