#pragma once

#include <cstddef>
#include <string_view>

#include "agent/protocol/hpack/name.h"

namespace wirespan::hpack {

struct StaticEntry {
  std::string_view text{};
  std::string_view value{};
  Name name = Name::kOther;
};
inline constexpr std::size_t kStaticEntries = 61;

// RFC 7541, appendix A. `index` is 1 to 61.
const StaticEntry& StaticAt(std::size_t index);

}  // namespace wirespan::hpack
