#pragma once

#include <cstdint>
#include <set>

#include "common/base/result.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/rates/rate_file.h"

namespace wirespan::gateway::store {

// The files of a store's folder, by name alone.
struct StoreFiles {
  std::set<std::uint64_t> blocks{};
  std::set<std::uint64_t> logs{};
  std::set<rates::LogRange> rates{};
  friend bool operator==(const StoreFiles&, const StoreFiles&) = default;
};

Result<StoreFiles> ListStoreFiles(const queue::Disk& disk);

// A log and a block of one number: the block is made of the log. What counts is the block if it is
// whole, else the log: the other one is taken out of `files`.
Result<> LeaveOutUnfinished(queue::Disk& disk, StoreFiles& files);

}  // namespace wirespan::gateway::store
