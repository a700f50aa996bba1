#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "tests/support/event_generator.h"
#include "tests/unit/agent/connection/http2_peers.h"

// What the kernel's side tells of an HTTP/2 conversation: its own machine (bpf/lib/infer/http2.h)
// over the calls of one end, record by record.
namespace wirespan::connection {

struct RecordsPlan {
  bool client = false;                // which end is observed
  bool cut = false;                   // its reads are of any size; else as the other end wrote
  double lose = 0;                    // share of records that never arrive
  std::uint32_t head_max = 64 << 10;  // octets of a header block that are copied
};

struct Records {
  std::vector<testing::OwnedEvent> events{};  // the socket's opening among them
  std::size_t lost = 0;
  // Streams of which a frame, or a part of one, was in a record that was lost.
  std::set<std::uint32_t> hit{};
  std::uint64_t ends[2]{};  // of what the observed end read and wrote
};

Records RecordsOf(std::mt19937& random, const std::vector<Written>& written,
                  const RecordsPlan& plan, testing::SocketScript& socket);

}  // namespace wirespan::connection
