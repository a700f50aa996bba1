#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/block_cache.h"
#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/damage.h"
#include "gateway/sink/store/kept_pages.h"
#include "gateway/sink/store/memtable.h"
#include "gateway/sink/store/query.h"
#include "gateway/sink/store/rates/fold.h"
#include "gateway/sink/store/rates/rate_files.h"
#include "gateway/sink/store/red/red_ledger.h"
#include "gateway/sink/store/span_log.h"
#include "gateway/sink/store/store_options.h"
#include "gateway/sink/store/trace_set.h"

namespace wirespan::gateway::store {

// Spans, each in one place at a time (docs/format/store.md):
//
//   Append -> log (synced) -> acknowledged, in a table in memory -> block on disk -> deleted by age
//   or bytes
//
// What came in since the opening is accounted for:
//   opened + written = spans + removed_by_age + removed_by_bytes
struct StoreCounts {
  std::uint64_t opened = 0;   // found on disk when it was opened
  std::uint64_t written = 0;  // since then
  std::uint64_t duplicates =
      0;  // delivered again within a minute or so, or while the first was in memory
  std::uint64_t refused = 0;  // not taken: the disk or the store was full, or it closed
  std::uint64_t removed_by_age = 0;
  std::uint64_t removed_by_bytes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t failed_writes = 0;  // to logs and blocks

  std::uint64_t spans = 0;  // now; those in damaged pages too
  std::uint64_t blocks = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t memory_bytes = 0;  // tables, requests that wait, open blocks
  std::uint64_t names_left_out = 0;
  std::uint64_t oldest_start_ns = 0;  // of a span held; 0: none

  std::uint64_t rates_bytes = 0;  // of their files
  std::uint64_t rates_files = 0;
  std::uint64_t rates_other = 0;            // spans counted as "(other)": no room for their names
  std::uint64_t rates_out_of_time = 0;      // spans that began too long ago, or in the future
  std::uint64_t rates_removed_windows = 0;  // of ten minutes: too old, or too much
  std::uint64_t rates_damaged = 0;          // windows and files that can't be read
  std::uint64_t calls_unjoined = 0;         // spans whose parent did not come
  std::uint64_t rates_peers_other = 0;      // calls counted as to "(other)": too many addresses

  red::RedLedger::Counts points{};  // agents' RED metrics
  std::uint64_t points_malformed = 0;
  std::uint64_t points_instrumented = 0;  // their process tells its exchanges by its own spans
  std::uint64_t points_other = 0;         // of any other metric: nothing of them is kept
};

// Hears of every span as it is kept, duplicates left out. On the writer's thread: it must not wait.
class SpanWatcher {
 public:
  virtual ~SpanWatcher() = default;
  virtual void OnSpan(const SpanRow& row, const Group& group) = 0;
};

// A folder of traces. Thread-safe. Two threads of its own: one writes logs, one makes blocks of
// full tables; a third table would be too much memory, so the first one waits for the second.
class TraceStore {
 public:
  using Done = std::function<void(Result<>)>;

  struct Found {
    std::vector<FoundTrace> traces{};
    bool complete = true;  // false: a limit ended it
  };

  // Damage is read around and counted. kUnsupported: a file is of a newer version; nothing has been
  // changed then.
  static Result<std::unique_ptr<TraceStore>> Open(std::unique_ptr<queue::Disk> disk,
                                                  StoreOptions options,
                                                  const Clock& clock = SystemClock());
  ~TraceStore();  // Close()

  // A well-formed ExportTraceServiceRequest. `done` is called once, on the writer's thread or
  // (refused) before it returns: without an error the spans survive a power loss and are found.
  // kResourceExhausted: no room now, nothing was kept. Without a span there is nothing to keep.
  void Append(std::string request, Done done);
  // What agents' metrics say, for rates; likewise. `other`: data points beside them, none of which
  // is kept, and those of the report among them.
  void AppendPoints(red::RedReport report, std::uint64_t other, Done done);

  // Traces with a span that matches, those whose span began last first; whole traces, also the
  // spans that match nothing.
  Found Search(const TraceQuery& query, const QueryLimits& limits) const;
  // Traces by id, those of which nothing is held left out.
  Found Get(std::span<const TraceId> ids, const QueryLimits& limits) const;
  std::vector<std::string> Services() const;
  std::vector<Operation> Operations(std::string_view service) const;
  // Calls by spans that began in these minutes, summed.
  Edges Calls(std::uint64_t first_minute, std::uint64_t last_minute,
              const QueryLimits& limits) const;

  // Visits the cells of rates in [first_s, last_s] (seconds since 1970) as they are by now: those
  // of some series and time may come in parts. False: `stop` ended it.
  bool VisitRates(std::uint64_t first_s, std::uint64_t last_s, const std::function<bool()>& stop,
                  const rates::VisitCell& visit) const;
  // What came since the opening, by series.
  std::map<rates::SeriesKey, rates::Cell> RatesSinceOpening() const;

  // One at a time; null ends it.
  void Watch(std::shared_ptr<SpanWatcher> watcher);

  // Writes what was taken. A block that is being made is finished, another one is not begun: what
  // is in logs is read again by the next opening.
  void Close();

  StoreCounts counts() const;
  DamageBook::Counts damage() const { return damage_.counts(); }
  const StoreOptions& options() const { return options_; }

 private:
  struct Pending {
    SpanRows rows{};  // its text is what goes to the log
    std::vector<red::RedFamily> families{};
    Done done{};
  };
  using Batch = std::vector<Pending>;
  // What a query looks at.
  struct View {
    std::shared_ptr<const Memtable> sealed{};
    std::vector<BlockInfo> blocks{};
  };

  TraceStore(std::unique_ptr<queue::Disk> disk, StoreOptions options, const Clock& clock)
      : disk_(std::move(disk)),
        options_(std::move(options)),
        clock_(clock),
        cache_(*disk_, damage_),
        rate_files_(*disk_, RateOptionsOf(options_),
                    {.reserve = [this](std::uint64_t bytes) { return Reserve(bytes); },
                     .release = [this](std::uint64_t bytes) { Release(bytes); }}),
        recent_(options_.recent_spans),
        totals_(options_.max_series),
        before_opening_(options_.max_series) {}

  static rates::RateOptions RateOptionsOf(const StoreOptions& options);
  RateLimits LimitsOfRates() const;

  // trace_store_recovery.cc
  Result<> Recover();
  Result<> RecoverBlock(std::uint64_t number);
  Result<> RecoverLog(std::uint64_t number, bool last);
  void RecallLatestBlocks(std::uint64_t now_ns);
  static void AddToTotals(const Memtable& table, rates::RateTable& totals);

  // trace_store.cc
  void RunWriter();
  void Enqueue(Pending pending);
  Batch TakeBatch();  // mutex_ held
  void Commit(Batch batch);
  Result<> WriteBatch(const Batch& batch, std::uint64_t now_ns);
  void TakePoints(const std::vector<red::RedFamily>& families, std::uint64_t received_ns,
                  Memtable& table);
  void Refuse(Batch& batch, const Error& error);
  bool TableIsFull() const;
  bool TableIsOld() const;
  Result<> Seal();
  void RunBuilder();
  Result<> BuildSealed();
  Result<> BuildRatesAlone(const Memtable& table, std::uint64_t log_bytes);
  void RemoveLog(std::uint64_t number, std::uint64_t bytes);
  void TidyRates();
  Result<> Reserve(std::uint64_t bytes);
  void Release(std::uint64_t bytes);
  void RemoveExpired();
  void RemoveOldest(std::atomic<std::uint64_t>& removed);
  void KeepFilters();  // data_mutex_ held: no more than have room

  // trace_store_query.cc
  View Look() const;
  void SearchTable(const Memtable& table, const Matcher& matcher, LatestTraces& latest) const;
  bool SearchBlock(const BlockInfo& block, const Matcher& matcher, const QueryLimits& limits,
                   KeptPages& kept, LatestTraces& latest) const;
  void CollectFromBlock(const BlockInfo& block, std::span<const TraceId> ids,
                        const QueryLimits& limits, KeptPages& kept, TraceSet& traces) const;
  Found Collect(std::span<const TraceId> ids, const QueryLimits& limits, KeptPages& kept) const;

  const std::unique_ptr<queue::Disk> disk_;
  const StoreOptions options_;
  const Clock& clock_;
  mutable DamageBook damage_{};
  mutable BlockCache cache_;
  rates::RateFiles rate_files_;  // of the builder's thread, once it runs

  mutable std::mutex mutex_;  // guards what follows up to data_mutex_
  std::condition_variable changed_;
  std::deque<Pending> pending_{};
  std::size_t pending_bytes_ = 0;
  bool closed_ = false;
  bool sealed_waits_ = false;  // there is a sealed table
  bool build_fails_ = false;
  bool builder_stops_ = false;

  std::unique_ptr<SpanLog> log_{};  // of active_; of the writer's thread alone
  std::uint64_t next_number_ = 1;   // likewise
  rates::RecentSpans recent_;       // likewise; changed with data_mutex_ held, for counts()
  red::RedLedger ledger_{};         // likewise, with table_mutex_
  bool blocks_recalled_ = false;    // likewise: recent_ knows the latest blocks' spans

  mutable std::mutex table_mutex_;  // guards the content of active_; taken after data_mutex_
  mutable std::mutex data_mutex_;   // guards what follows up to the counters
  std::shared_ptr<Memtable> active_{};
  std::shared_ptr<const Memtable> sealed_{};
  std::uint64_t sealed_log_bytes_ = 0;
  std::deque<BlockInfo> blocks_{};  // by number: oldest first
  std::size_t filter_bytes_ = 0;    // of theirs
  std::uint64_t disk_bytes_ = 0;
  Catalog catalog_{};
  // Rates of tables that were sealed since the opening, and what was in tables at the opening.
  rates::RateTable totals_;
  rates::RateTable before_opening_;
  std::uint64_t rates_other_ = 0;        // of sealed tables
  std::uint64_t rates_out_of_time_ = 0;  // likewise
  std::uint64_t rates_peers_other_ = 0;  // likewise
  std::uint64_t calls_unjoined_ = 0;
  std::uint64_t damaged_rate_files_ = 0;
  std::shared_ptr<SpanWatcher> watcher_{};

  std::uint64_t opened_ = 0;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> duplicates_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> removed_by_age_{0};
  std::atomic<std::uint64_t> removed_by_bytes_{0};
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> failed_writes_{0};
  std::atomic<std::uint64_t> points_malformed_{0};
  std::atomic<std::uint64_t> points_instrumented_{0};
  std::atomic<std::uint64_t> points_other_{0};

  std::thread writer_;
  std::thread builder_;
};

}  // namespace wirespan::gateway::store
