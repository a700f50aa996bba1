#include "tests/kernel/capture/stream.h"

#include <algorithm>

namespace wirespan::kernel_test {
namespace {

using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Ranges CapturedRanges(const std::vector<connection::DataEvent>& events) {
  Ranges ranges;
  for (const auto& event : events) {
    if (!event.captured.empty())
      ranges.emplace_back(event.offset, event.offset + event.captured.size());
  }
  std::ranges::sort(ranges);
  return ranges;
}

}  // namespace

void Stream::Add(const connection::DataEvent& event) {
  begin_ = events_.empty() ? event.offset : std::min(begin_, event.offset);
  end_ = std::max(end_, event.end_offset);
  captured_ += event.captured.size();
  events_.push_back(event);
}

testing::AssertionResult Stream::IsWhole() const {
  Ranges ranges;
  for (const auto& event : events_) {
    if (event.end_offset < event.offset + event.captured.size()) {
      return testing::AssertionFailure()
             << "an event at " << event.offset << " ends at " << event.end_offset << " but holds "
             << event.captured.size() << " bytes";
    }
    if (event.end_offset > event.offset) ranges.emplace_back(event.offset, event.end_offset);
  }
  std::ranges::sort(ranges);
  std::uint64_t reached = begin_;
  for (const auto& [from, to] : ranges) {
    if (from != reached) {
      return testing::AssertionFailure()
             << (from < reached ? "told twice: [" : "a hole: [") << std::min(from, reached) << ", "
             << std::max(from, reached) << ") of [" << begin_ << ", " << end_ << ")";
    }
    reached = to;
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult Stream::Agrees(std::string_view sent, std::uint64_t base) const {
  for (const auto& event : events_) {
    if (event.captured.empty()) continue;
    if (event.offset < base || event.offset - base + event.captured.size() > sent.size()) {
      return testing::AssertionFailure()
             << event.captured.size() << " bytes captured at " << event.offset
             << ", outside of what was sent [" << base << ", " << base + sent.size() << ")";
    }
    const auto expected = sent.substr(event.offset - base, event.captured.size());
    if (event.captured == expected) continue;
    const auto at = std::ranges::mismatch(event.captured, expected).in1 - event.captured.begin();
    return testing::AssertionFailure()
           << "the bytes captured at " << event.offset << " differ from the sent ones after " << at
           << " of " << event.captured.size() << ": got '"
           << event.captured.substr(static_cast<std::size_t>(at), 24) << "', sent '"
           << expected.substr(static_cast<std::size_t>(at), 24) << "'";
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult Stream::HasCaptured(std::uint64_t from, std::uint64_t to) const {
  std::uint64_t reached = from;
  for (const auto& [start, stop] : CapturedRanges(events_)) {
    if (start > reached) break;
    reached = std::max(reached, stop);
  }
  if (reached >= to) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "byte " << reached << " of [" << from << ", " << to << ") was not captured";
}

testing::AssertionResult Carries(const Stream& stream, std::string_view sent, std::uint64_t base) {
  if (stream.events() == 0 && !sent.empty())
    return testing::AssertionFailure() << "no event of this direction";
  if (auto whole = stream.IsWhole(); !whole) return whole;
  if (!sent.empty() && (stream.begin() != base || stream.end() != base + sent.size())) {
    return testing::AssertionFailure()
           << "told of [" << stream.begin() << ", " << stream.end() << "), sent were [" << base
           << ", " << base + sent.size() << ")";
  }
  return stream.Agrees(sent, base);
}

testing::AssertionResult CarriesEveryByte(const Stream& stream, std::string_view sent,
                                          std::uint64_t base) {
  if (auto carries = Carries(stream, sent, base); !carries) return carries;
  return stream.HasCaptured(base, base + sent.size());
}

}  // namespace wirespan::kernel_test
