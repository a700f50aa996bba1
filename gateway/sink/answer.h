#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "common/otlp/response.h"
#include "gateway/pipeline/outcome.h"

// A peer's answer as an Outcome; what can't be read is taken as absent.
namespace wirespan::gateway {

inline constexpr std::chrono::milliseconds kMaxPeerDelay{24 * 3600 *
                                                         1000};  // no peer silences us for longer

inline std::optional<std::chrono::milliseconds> BoundedDelay(
    std::optional<std::chrono::milliseconds> delay) {
  if (!delay) return delay;
  return std::clamp(*delay, std::chrono::milliseconds(0), kMaxPeerDelay);
}

inline void SetPartialSuccess(const otlp::PartialSuccess& partial, Outcome& outcome) {
  constexpr std::size_t kMaxMessage = 1024;
  outcome.rejected_items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, partial.rejected));
  outcome.message = partial.message.substr(0, kMaxMessage);
}

}  // namespace wirespan::gateway
