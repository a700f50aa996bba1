#include "agent/span/inbound_ids.h"

#include <cstring>
#include <string_view>

#include "common/base/hash.h"

namespace wirespan::span {

std::uint64_t InboundIds::NameOf(std::uint32_t pid, const SpanId& id) {
  char bytes[sizeof pid + 8];
  std::memcpy(bytes, &pid, sizeof pid);
  std::memcpy(bytes + sizeof pid, id.data(), id.size());
  return Hash64({bytes, sizeof bytes});
}

void InboundIds::Add(std::uint32_t pid, const SpanId& id, std::uint64_t now_ns) {
  if (order_.size() >= kRemembered) {
    const Entry oldest = order_.front();
    order_.pop_front();
    forgotten_ns_ = oldest.time_ns;
    const auto found = names_.find(oldest.name);
    if (found != names_.end() && --found->second == 0) names_.erase(found);
  }
  const std::uint64_t name = NameOf(pid, id);
  ++names_[name];
  order_.push_back({name, now_ns});
}

bool InboundIds::MayHaveComeIn(std::uint32_t pid, const SpanId& id, std::uint64_t now_ns) const {
  if (now_ns < start_ns_ + kWarmUp) return true;
  if (forgotten_ns_ != 0 && now_ns < forgotten_ns_ + kHorizon) return true;
  return names_.contains(NameOf(pid, id));
}

}  // namespace wirespan::span
