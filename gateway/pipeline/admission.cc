#include "gateway/pipeline/admission.h"

#include <algorithm>
#include <utility>

namespace wirespan::gateway {

Lease::~Lease() { GiveBack(); }

void Lease::GiveBack() {
  for (Room& room : rooms_) {
    const std::uint64_t units = room.units.exchange(0, std::memory_order_acq_rel);
    if (units > 0) room.gate->Release(units);
  }
}

Lease::Reserved Lease::Reserve(std::span<const std::shared_ptr<Gate>> gates, std::uint64_t items,
                               std::uint64_t bytes) {
  if (rooms_.empty()) rooms_ = std::vector<Room>(gates.size());
  for (std::size_t i = 0; i < gates.size(); ++i) {
    Gate::Answer answer = gates[i]->Reserve(items, bytes);
    if (answer.verdict != Gate::Verdict::kGranted) {
      // What was granted so far goes back at once: whoever waits must not hold room that others
      // wait for.
      GiveBack();
      return {std::move(answer), i};
    }
    rooms_[i].gate = gates[i];
    rooms_[i].units.store(answer.units, std::memory_order_release);
  }
  return {};
}

bool Lease::PassedThrough(const Gate& gate) const {
  return std::any_of(rooms_.begin(), rooms_.end(),
                     [&](const Room& room) { return room.gate.get() == &gate; });
}

// An exporter that two pipelines lead to has two rooms here: one batch takes one.
void Lease::Take(const Gate& gate) {
  for (Room& room : rooms_) {
    if (room.gate.get() != &gate) continue;
    const std::uint64_t units = room.units.exchange(0, std::memory_order_acq_rel);
    if (units == 0) continue;
    room.gate->Release(units);
    return;
  }
}

void Lease::Withdraw() {
  Sender expected = Sender::kWaits;
  sender_.compare_exchange_strong(expected, Sender::kGone, std::memory_order_acq_rel);
}

bool Lease::Answer() {
  Sender expected = Sender::kWaits;
  sender_.compare_exchange_strong(expected, Sender::kAnswered, std::memory_order_acq_rel);
  return expected != Sender::kGone;
}

bool AllWithdrawn(const Leases& leases) {
  return !leases.empty() && std::all_of(leases.begin(), leases.end(),
                                        [](const auto& lease) { return lease->withdrawn(); });
}

}  // namespace wirespan::gateway
