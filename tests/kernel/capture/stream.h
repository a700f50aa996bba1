#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/connection/event.h"

namespace wirespan::kernel_test {

// One direction of one socket as the events told it, put together by offsets.
class Stream {
 public:
  void Add(const connection::DataEvent& event);

  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }
  std::uint64_t length() const { return end_ - begin_; }
  std::uint64_t captured_bytes() const { return captured_; }
  std::size_t events() const { return events_.size(); }
  const std::vector<connection::DataEvent>& data() const { return events_; }
  // Says that [begin, end) is covered without a hole, and nothing twice.
  testing::AssertionResult IsWhole() const;
  // Says that the captured bytes are those of `sent`, whose first byte has the offset `base`.
  testing::AssertionResult Agrees(std::string_view sent, std::uint64_t base) const;
  // Says that every byte of [from, to) was captured.
  testing::AssertionResult HasCaptured(std::uint64_t from, std::uint64_t to) const;

 private:
  std::vector<connection::DataEvent> events_{};
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t captured_ = 0;
};

// All of it: whole, from `base` to the end of `sent`, with the right bytes wherever bytes were
// captured.
testing::AssertionResult Carries(const Stream& stream, std::string_view sent,
                                 std::uint64_t base = 0);
// The same, and no byte is missing.
testing::AssertionResult CarriesEveryByte(const Stream& stream, std::string_view sent,
                                          std::uint64_t base = 0);

}  // namespace wirespan::kernel_test
