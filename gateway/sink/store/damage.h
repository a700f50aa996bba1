#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace wirespan::gateway::store {

// What was found unreadable, each once however often it is met. Thread-safe. Bounded by the files:
// a page is an entry.
class DamageBook {
 public:
  struct Counts {
    std::uint64_t log_records = 0;  // requests in logs
    std::uint64_t indexes = 0;      // parts of blocks' indexes: searches read more pages instead
    std::uint64_t pages = 0;
    std::uint64_t spans = 0;  // in those pages
    std::uint64_t files = 0;  // that are no block at all
  };

  void LogRecords(std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    log_records_ += count;
  }
  void Index(std::uint64_t block, std::uint64_t part) {
    const std::lock_guard lock(mutex_);
    indexes_.insert({block, part});
  }
  void Page(std::uint64_t block, std::uint64_t page, std::uint64_t spans) {
    const std::lock_guard lock(mutex_);
    pages_[{block, page}] = spans;
  }
  void File() {
    const std::lock_guard lock(mutex_);
    ++files_;
  }
  // A block that is deleted is damaged no more.
  void Forget(std::uint64_t block) {
    const std::lock_guard lock(mutex_);
    std::erase_if(indexes_, [&](const auto& entry) { return entry.first == block; });
    std::erase_if(pages_, [&](const auto& entry) { return entry.first.first == block; });
  }

  Counts counts() const {
    const std::lock_guard lock(mutex_);
    Counts counts{.log_records = log_records_,
                  .indexes = indexes_.size(),
                  .pages = pages_.size(),
                  .files = files_};
    for (const auto& [page, spans] : pages_) counts.spans += spans;
    return counts;
  }

 private:
  using Place = std::pair<std::uint64_t, std::uint64_t>;  // block, and what in it

  mutable std::mutex mutex_;  // guards all
  std::set<Place> indexes_{};
  std::map<Place, std::uint64_t> pages_{};
  std::uint64_t log_records_ = 0;
  std::uint64_t files_ = 0;
};

}  // namespace wirespan::gateway::store
