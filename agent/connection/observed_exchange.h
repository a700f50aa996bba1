#pragma once

#include <memory>

#include "agent/connection/event.h"
#include "agent/protocol/exchange.h"

namespace wirespan::connection {

// What stays the same for all exchanges of a connection. Shared by them; immutable once published
// (a connection that learns more publishes a new one).
struct ConnectionInfo {
  ConnectionId id{};
  std::uint32_t netns = 0;
  Opener opener = Opener::kUnknown;
  Endpoint local{};
  Endpoint remote{};
  bool wire_known = false;
  std::uint32_t local_isn = 0;
  std::uint32_t remote_isn = 0;
  std::uint64_t peer_cookie = 0;
  bool joined_late = false;
};

struct ObservedExchange {
  std::shared_ptr<const ConnectionInfo> connection{};
  protocol::Exchange exchange{};
};

// Told on the source's thread. Heads arrive as soon as they are known, because links between
// exchanges need the order of events (agent/span): a request's head before its response's, the
// whole exchange last. `key` is unique for each exchange of this run.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  // The request's head is known. `exchange` holds what the head says; it may change until
  // OnExchange.
  virtual void OnRequest(std::uint64_t key, const ConnectionInfo& connection,
                         const protocol::Exchange& exchange) = 0;
  // The exchange ended, well or badly. Takes it. Every OnRequest is followed by exactly one
  // OnExchange of its key.
  virtual void OnExchange(std::uint64_t key, ObservedExchange exchange) = 0;
};

}  // namespace wirespan::connection
