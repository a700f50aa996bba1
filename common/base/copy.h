#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace wirespan {

// Copies `text` to `at`, which has room for it, and returns the end of the copy. As memcpy, but
// quicker for the short texts that attributes consist of: two words that may overlap, no call.
inline char* CopyText(char* at, std::string_view text) {
  const std::size_t size = text.size();
  const char* const from = text.data();
  const auto ends = [&]<class Word>(Word first) {
    Word last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(at, &first, sizeof first);
    std::memcpy(at + size - sizeof last, &last, sizeof last);
  };
  struct Double {
    std::uint64_t words[2];
  };
  if (size > 32) {
    std::memcpy(at, from, size);
  } else if (size >= 16) {
    ends(Double{});
  } else if (size >= 8) {
    ends(std::uint64_t{});
  } else if (size >= 4) {
    ends(std::uint32_t{});
  } else {
    for (std::size_t i = 0; i < size; ++i) at[i] = from[i];
  }
  return at + size;
}

}  // namespace wirespan
