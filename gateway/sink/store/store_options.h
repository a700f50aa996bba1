#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace wirespan::gateway::store {

// The settings of the exporter `store`, and bounds that a test makes smaller.
struct StoreOptions {
  std::string directory{};
  std::uint64_t max_disk_bytes = std::uint64_t{10} << 30;  // of all files: the oldest blocks go
  std::chrono::milliseconds max_age{std::chrono::hours(7 * 24)};  // since it was received; 0: none
  std::chrono::milliseconds max_rates_age{std::chrono::hours(30 * 24)};  // since a span's start
  bool sync = true;  // false: what the kernel holds is lost with the power, not with kill -9

  // What is in memory becomes a block beyond this many spans or bytes. Two such tables at most.
  std::size_t block_spans = 64u << 10;
  std::size_t block_bytes = 24u << 20;
  std::size_t page_spans = 512;  // (about) so many are compressed together
  // Requests that wait to be written; beyond it they are refused.
  std::size_t pending_bytes = 64u << 20;
  std::size_t max_series = 4096;          // of rates, counted apart; more are counted as "(other)"
  std::size_t recent_spans = 512u << 10;  // known by their ids: duplicates, calls between services
  std::size_t filter_bytes = 24u << 20;   // of traces in blocks, kept in memory
  std::uint64_t group_bytes = 8u << 20;   // written and synced together, at most (about)
};

}  // namespace wirespan::gateway::store
