#pragma once

#include <random>
#include <vector>

#include "agent/connection/observed_exchange.h"
#include "tests/support/event_generator.h"
#include "tests/unit/agent/connection/http2_peers.h"

// What an observer of one end gets to see of an HTTP/2 conversation.
namespace wirespan::connection {

using testing::OwnedEvent;
using testing::SocketScript;

struct SightPlan {
  bool client = false;    // which end is observed
  std::size_t piece = 0;  // each write in events of this size; 0: as it is
  bool cut = false;       // ... of any size
  bool gaps = false;      // payload may pass unseen
  bool runs = false;      // whole frames of it as runs
  bool marks = false;     // events that begin with a frame say so
  bool shuffle = false;   // directions in any order, neighbours swapped
  double lose = 0;        // share of events that never arrive
  double blank = 0;       // share of events whose bytes were not captured
  std::size_t from = 0;   // the first write that is seen
  Opener opener = Opener::kRemote;
};

// Opens with the socket's first words, does not close it.
std::vector<OwnedEvent> EventsOf(std::mt19937& random, const std::vector<Written>& written,
                                 const SightPlan& plan, SocketScript& socket);

// Everything that is known of it is right. Empty, or what is wrong.
std::string Disagreement(const protocol::Exchange& seen, const StreamTruth& truth);

}  // namespace wirespan::connection
