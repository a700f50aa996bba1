#pragma once

#include <cstdint>
#include <string_view>

#include "agent/span/span.h"
#include "common/base/result.h"

namespace wirespan::span {

// Head sampling as OTEL_TRACES_SAMPLER(_ARG) defines it. A pure function of the trace id (and of
// the caller's decision, where one came with the request), so that both ends of an exchange agree.
class Sampler {
 public:
  Sampler() = default;  // parentbased_always_on
  // `name`: always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off,
  // parentbased_traceidratio; empty: the default. `argument`: the ratio, 0 to 1; empty: 1.
  // kInvalidArgument names the variable and what it may be.
  static Result<Sampler> Parse(std::string_view name, std::string_view argument);

  // `remote`: the trace was begun elsewhere, and `flags` holds its sampled bit.
  bool Keep(const TraceId& trace_id, bool remote, std::uint8_t flags) const {
    if (parent_based_ && remote) return (flags & 1) != 0;
    if (threshold_ == kAlways) return true;
    std::uint64_t low = 0;
    for (std::size_t i = 8; i < 16; ++i) low = low << 8 | trace_id[i];
    return (low >> 1) < threshold_;
  }

 private:
  static constexpr std::uint64_t kAlways = std::uint64_t{1} << 63;
  bool parent_based_ = true;
  std::uint64_t threshold_ = kAlways;  // of the trace id's low 63 bits
};

}  // namespace wirespan::span
