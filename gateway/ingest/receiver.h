#pragma once

#include <chrono>
#include <cstdint>

namespace wirespan::gateway {

// A listener that feeds pipelines.
class Receiver {
 public:
  virtual ~Receiver() = default;  // as Stop(0)
  // Takes no new connections, and lets those that are there go when it can be done without an error
  // for their clients. Another receiver has the socket now. Idempotent.
  virtual void StopAccepting() = 0;
  // Stops accepting, lets requests under way finish until the deadline, then cancels them.
  // Idempotent.
  virtual void Stop(std::chrono::steady_clock::time_point deadline) = 0;
  virtual std::uint16_t port() const = 0;  // 0 for a Unix socket
};

}  // namespace wirespan::gateway
