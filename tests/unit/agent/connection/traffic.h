#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/event_generator.h"

namespace wirespan::connection {

// Random HTTP/1.x conversations, and the events that an observer of one end would get of them.
struct Exchanged {
  std::string method{};
  int status = 0;
  std::uint64_t request_body = 0;
  std::uint64_t response_body = 0;
};

enum class Style : std::uint8_t { kSequential, kBatches, kSliding };

struct Plan {
  Style style = Style::kSequential;
  bool client = false;  // which end is observed
  bool gaps = true;     // bodies may pass unseen
  bool shuffle = true;  // directions in any order, neighbours swapped
  double lose = 0;      // share of events that never arrive
  double blank = 0;     // share of events whose bytes were not captured
  int exchanges = 5;
};

struct Conversation {
  std::vector<Exchanged> exchanges{};  // target "/i", response content type "x/i"
  std::vector<testing::OwnedEvent> events{};
};

Conversation MakeConversation(std::mt19937& random, const Plan& plan);

}  // namespace wirespan::connection
