#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "gateway/pipeline/outcome.h"

// Admission is all or nothing: before any pipeline sees a request it has room in the queue of every
// exporter that it will reach, or it is refused (retryably) and nobody has any of it.
//
//   door:      lease = Lease(memory); lease.Reserve(gates) -> granted / wait and try again /
//   refused exporter:  Consume: lease.Take(my gate), and its queue counts the batch from there on
//   anywhere:  the last holder drops the lease: what was not taken is given back
namespace wirespan::gateway {

// The entrance to the queue of one exporter. Thread-safe.
class Gate {
 public:
  enum class Verdict : std::uint8_t { kGranted, kWait, kRefused };
  struct Answer {
    Verdict verdict = Verdict::kGranted;
    std::uint64_t units = 0;  // granted: to be given back by Release, once
    std::uint64_t epoch = 0;  // kWait: for WhenRoom
    Outcome refusal{};        // kRefused: retryable, with a delay
  };

  virtual ~Gate() = default;
  // kWait: there is no room now and the queue holds back its senders (block_on_overflow).
  virtual Answer Reserve(std::uint64_t items, std::uint64_t bytes) = 0;
  virtual void Release(std::uint64_t units) = 0;
  // Calls once, on any thread, when room was given back since that epoch: perhaps before it
  // returns.
  virtual void WhenRoom(std::uint64_t epoch, std::function<void()> again) = 0;
};
using Gates = std::vector<std::shared_ptr<Gate>>;

// What one request holds on its way from the door to the last exporter: its bytes of the memory
// budget, its room in queues, and whether its sender still waits for the answer. Every batch that
// was made from the request carries it. Thread-safe after Reserve.
class Lease {
 public:
  Lease() = default;
  explicit Lease(std::shared_ptr<const void> memory) { Hold(std::move(memory)); }
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // More of the memory budget. Before the request is shared.
  void Hold(std::shared_ptr<const void> memory) { memory_.push_back(std::move(memory)); }

  // Room at all gates or at none. kWait: try again when gates[at] has room.
  struct Reserved {
    Gate::Answer answer{};
    std::size_t at = 0;
  };
  Reserved Reserve(std::span<const std::shared_ptr<Gate>> gates, std::uint64_t items,
                   std::uint64_t bytes);

  // Was it let in by this gate? Then the exporter behind it takes every batch made from it.
  bool PassedThrough(const Gate& gate) const;
  // The exporter behind `gate` has the batch: from here on it counts it itself.
  void Take(const Gate& gate);

  // The sender gave up: what was not sent yet need not be. Has no effect once Answer was called.
  void Withdraw();
  bool withdrawn() const { return sender_.load(std::memory_order_acquire) == Sender::kGone; }
  // The sender is about to be told OK. False: it is gone, and has not been told.
  bool Answer();

 private:
  enum class Sender : std::uint8_t { kWaits, kGone, kAnswered };
  struct Room {
    std::shared_ptr<Gate> gate{};
    std::atomic<std::uint64_t> units{0};
  };
  void GiveBack();

  std::vector<std::shared_ptr<const void>> memory_{};
  std::vector<Room> rooms_{};  // as many as gates, in their order
  std::atomic<Sender> sender_{Sender::kWaits};
};
using Leases = std::vector<std::shared_ptr<Lease>>;

// Nobody waits for any of it any more. False for no leases at all.
bool AllWithdrawn(const Leases& leases);

}  // namespace wirespan::gateway
