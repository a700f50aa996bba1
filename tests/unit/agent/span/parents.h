#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/unit/agent/span/world.h"

// What the scenes of parents have in common.
namespace wirespan::span {

inline const SpanId kNoParent{};
inline constexpr std::uint32_t kA = 100, kB = 200, kC = 300, kCaller = 50;  // processes
inline const std::string kHeader = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
inline const std::string kHeaderTrace = "0af7651916cd43dd8448eb211c80319c";
inline const std::string kHeaderParent = "b7ad6b7169203331";

}  // namespace wirespan::span
