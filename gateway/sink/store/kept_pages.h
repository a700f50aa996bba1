#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace wirespan::gateway::store {

// Inflated pages in which a search found something: its traces are in them, so they are wanted
// again when these are put together. Of one query; the first ones, up to a bound.
class KeptPages {
 public:
  void Keep(std::uint64_t block, std::uint32_t page, const std::string& plain) {
    if (bytes_ + plain.size() > kMaxBytes) return;
    if (pages_.try_emplace({block, page}, plain).second) bytes_ += plain.size();
  }
  // Null: read it.
  const std::string* Find(std::uint64_t block, std::uint32_t page) const {
    const auto kept = pages_.find({block, page});
    return kept == pages_.end() ? nullptr : &kept->second;
  }

 private:
  static constexpr std::size_t kMaxBytes = 8u << 20;

  std::map<std::pair<std::uint64_t, std::uint32_t>, std::string> pages_{};
  std::size_t bytes_ = 0;
};

}  // namespace wirespan::gateway::store
