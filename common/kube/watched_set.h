#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/clock.h"
#include "common/base/flat_map.h"
#include "common/kube/watch_handler.h"
#include "common/telemetry/metrics.h"

namespace wirespan::kube {

struct WatchedSetOptions {
  std::size_t max_records =
      65536;  // deleted ones included; beyond it new ones are left out, counted
  // What a deleted object did may still be told.
  std::chrono::seconds grace{120};
};

// What a watch told, by uid: which objects there are, and which were there a short while ago. Who
// derives from it reads objects and keeps indexes of its own, all of it under `mutex_`. Record has
// `uid` and ==. A list that does not name an object says that it is gone; an object that comes back
// is as it was. Thread-safe, as far as the derived class is.
template <class Record>
class WatchedSet : public WatchHandler {
 public:
  using RecordPtr = std::shared_ptr<const Record>;

  bool listed() const { return listed_.load(std::memory_order_acquire); }  // once at least
  std::size_t size() const {
    const std::shared_lock lock(mutex_);
    return records_.size();
  }

  void OnList() final {
    const std::unique_lock lock(mutex_);
    ++list_;
  }

  void OnObject(Object& object) final {
    auto record = Read(object);
    if (!record) return malformed_.Add();
    if (!IsOurs(*record)) return;
    const std::unique_lock lock(mutex_);
    ForgetOld();
    Put(std::move(*record));
  }

  void OnGone(Object& object) final {
    const auto record = Read(object);
    if (!record) return malformed_.Add();
    const std::unique_lock lock(mutex_);
    ForgetOld();
    if (const auto entry = records_.find(record->uid); entry != records_.end())
      MarkGone(entry->second);
  }

  void OnListed() final {
    const std::unique_lock lock(mutex_);
    for (auto& [uid, entry] : records_) {
      if (entry.list != list_) MarkGone(entry);
    }
    ForgetOld();
    known_.Set(static_cast<double>(records_.size()));
    listed_.store(true, std::memory_order_release);
    Changed();
  }

 protected:
  struct Entry {
    RecordPtr record{};
    std::uint64_t list = 0;     // the last one that had it
    std::uint64_t gone_ns = 0;  // monotonic; 0: it is there
  };

  // `labels` are those of the metrics; `known` counts the records.
  WatchedSet(WatchedSetOptions options, telemetry::Gauge& known, telemetry::Labels labels,
             const Clock& clock, telemetry::Registry& registry)
      : clock_(clock),
        options_(options),
        known_(known),
        malformed_(LeftOut(registry, labels, "malformed")),
        full_(LeftOut(registry, labels, "full")) {}

  static telemetry::Counter& LeftOut(telemetry::Registry& registry, telemetry::Labels labels,
                                     const char* reason) {
    labels.emplace_back("reason", reason);
    return registry.counter("wirespan_kube_objects_left_out_total",
                            "Objects that the API server sent and that are not kept",
                            std::move(labels));
  }

  // Without mutex_. nullopt: malformed.
  virtual std::optional<Record> Read(const Object& object) const = 0;
  virtual bool IsOurs(const Record&) { return true; }

  // With mutex_ held. What the new version takes over from the one before.
  virtual void Inherit(const Record& /*before*/, Record& /*now*/) const {}
  virtual void Index(const RecordPtr&) {}
  virtual void Unindex(const Record&) {}
  virtual void Left(const Record&) {}       // told to be gone, still known
  virtual void Forgotten(const Record&) {}  // after Unindex
  virtual void Changed() {}                 // anything that can be found

  RecordPtr Get(std::string_view uid) const {
    const auto entry = records_.find(uid);
    return entry == records_.end() ? nullptr : entry->second.record;
  }

  const Clock& clock_;
  mutable std::shared_mutex mutex_;  // guards all below but listed_, and what derived classes index
  StringMap<Entry> records_;         // by uid

 private:
  void Put(Record record) {
    auto found = records_.find(record.uid);
    if (found == records_.end()) {
      if (records_.size() >= options_.max_records) return full_.Add();
      found = records_.try_emplace(record.uid).first;
    }
    Entry& entry = found->second;
    entry.list = list_;
    const bool back = std::exchange(entry.gone_ns, 0) != 0;
    if (entry.record != nullptr) Inherit(*entry.record, record);
    // Most events tell of conditions and times that nobody here asks for.
    if (entry.record != nullptr && *entry.record == record && !back) return;
    if (entry.record != nullptr) Unindex(*entry.record);
    entry.record = std::make_shared<const Record>(std::move(record));
    Index(entry.record);
    known_.Set(static_cast<double>(records_.size()));
    Changed();
  }

  void MarkGone(Entry& entry) {
    if (entry.gone_ns != 0) return;
    entry.gone_ns = std::max<std::uint64_t>(clock_.monotonic_ns(), 1);
    gone_.emplace_back(entry.record->uid, entry.gone_ns);
    Left(*entry.record);
  }

  void ForgetOld() {
    const std::uint64_t now_ns = clock_.monotonic_ns();
    const auto grace_ns =
        static_cast<std::uint64_t>(std::chrono::nanoseconds(options_.grace).count());
    // An object that comes and goes and comes leaves an entry here each time.
    const std::size_t most = 4 * options_.max_records;
    while (!gone_.empty() && (gone_.front().second + grace_ns <= now_ns || gone_.size() > most)) {
      const auto entry = records_.find(gone_.front().first);
      // It may have come back in a later list, or gone twice.
      if (entry != records_.end() && entry->second.gone_ns == gone_.front().second) {
        const RecordPtr record = std::move(entry->second.record);
        Unindex(*record);
        records_.erase(entry);
        Forgotten(*record);
        known_.Set(static_cast<double>(records_.size()));
      }
      gone_.pop_front();
    }
  }

  const WatchedSetOptions options_;
  std::deque<std::pair<std::string, std::uint64_t>> gone_{};  // uid, gone_ns; oldest first
  std::uint64_t list_ = 0;
  std::atomic<bool> listed_{false};

  telemetry::Gauge& known_;
  telemetry::Counter& malformed_;
  telemetry::Counter& full_;
};

}  // namespace wirespan::kube
