#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/flat_map.h"
#include "common/base/hash.h"
#include "gateway/sink/store/rates/series.h"

namespace wirespan::gateway::store::rates {

// Which of the addresses that services call have a series of their own in a table: the first 64 of
// each service, so many in all; the others are "(other)". A crawler's addresses must not take the
// room of operations. Not thread-safe.
class PeerBook {
 public:
  explicit PeerBook(std::size_t max_peers) : max_peers_(max_peers) {}

  std::string_view Of(std::string_view service, std::string_view peer) {
    if (peer == kOther) return peer;
    const std::string_view parts[] = {service, std::string_view("\0", 1), peer};
    const std::uint64_t key = Hash64(std::span<const std::string_view>(parts));
    if (known_.contains(key)) return peer;
    auto count = of_service_.find(service);
    const bool room =
        known_.size() < max_peers_ && (count == of_service_.end() || count->second < kMaxOfService);
    if (!room) {
      ++other_;
      return kOther;
    }
    if (count == of_service_.end()) count = of_service_.try_emplace(std::string(service)).first;
    ++count->second;
    known_.insert(key);
    return peer;
  }

  std::uint64_t other() const { return other_; }  // calls counted as to "(other)"

 private:
  static constexpr std::size_t kMaxOfService = 64;
  const std::size_t max_peers_;
  FlatSet<std::uint64_t> known_{};
  StringMap<std::size_t> of_service_{};
  std::uint64_t other_ = 0;
};

}  // namespace wirespan::gateway::store::rates
