#pragma once

#include <cstdint>

#include "agent/protocol/exchange.h"
#include "agent/protocol/grpc/message_counter.h"

namespace wirespan::connection {

// One direction of a stream.
struct Http2Half {
  bool head = false;         // its (final) head was seen
  bool head_missed = false;  // what follows it was seen
  bool ended = false;        // END_STREAM, or nothing can follow
  // Octets of its direction were missed since its last frame: it may have ended, or been reset.
  bool uncertain = false;
  bool body_incomplete = false;  // DATA may have been missed
  std::uint64_t bytes = 0;       // DATA payload
  grpc::MessageCounter messages{};
};

// A stream that is open, or whose response waits for its request's event.
//
//   request head  response head  state
//   no            yes            waits for the request (Http2Limits::request_wait_ns), then dropped
//   yes           -              open: the observer knows it by `key`
//
// An open one ends when both directions ended, or by a reset; a reset's end waits a little, because
// events of the other direction that are older may still come.
struct Http2Stream {
  std::uint32_t id = 0;
  std::uint64_t key = 0;  // 0: its request was not seen
  protocol::Exchange exchange{};
  // When the response can have begun at the earliest; 0: not known.
  std::uint64_t first_ts_ns = 0;
  std::uint64_t since_ns = 0;  // of what it waits for
  std::uint64_t reset_ns = 0;  // when it was given up, if exchange.reset says so
  Http2Half request{};
  Http2Half response{};
  bool may_be_grpc = true;  // the content type is not known to be another
  bool connect = false;
  bool status_unknown = false;  // the response's head was read but for its status
  bool trailers_known = true;   // no trailers, or all of their names are known
  bool trailed = false;         // its response ended with trailers
  std::uint32_t follower = 0;   // the stream that began when this was the only open one
  Http2Stream* next = nullptr;  // in the pool
};

}  // namespace wirespan::connection
