#include "agent/protocol/hpack/name.h"

#include <array>
#include <cstddef>

namespace wirespan::hpack {
namespace {

constexpr std::array<std::string_view, kNames> kTexts = {
    "",
    ":authority",
    ":method",
    ":path",
    ":scheme",
    ":status",
    ":protocol",
    "host",
    "user-agent",
    "content-type",
    "content-length",
    "traceparent",
    "tracestate",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "grpc-status",
    "grpc-message",
    "grpc-timeout",
};
constexpr std::size_t kLongest = 17;

// Names by length; at most four have the same one.
struct ByLength {
  std::array<std::array<std::uint8_t, 4>, kLongest + 1> names{};
};
constexpr ByLength MakeByLength() {
  ByLength table{};
  for (std::size_t i = 1; i < kTexts.size(); ++i) {
    auto& slot = table.names[kTexts[i].size()];
    std::size_t n = 0;
    while (slot.at(n) != 0) ++n;
    slot.at(n) = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr ByLength kByLength = MakeByLength();

}  // namespace

Name NameOf(std::string_view text) {
  if (text.size() > kLongest) return Name::kOther;
  for (const std::uint8_t i : kByLength.names[text.size()]) {
    if (i == 0) break;
    if (kTexts[i] == text) return static_cast<Name>(i);
  }
  return Name::kOther;
}

std::string_view TextOf(Name name) { return kTexts[static_cast<std::size_t>(name)]; }

}  // namespace wirespan::hpack
