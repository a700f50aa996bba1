// How spans come in, become blocks, and leave.
#include "gateway/sink/store/trace_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/telemetry/log.h"
#include "gateway/sink/store/block_writer.h"

namespace wirespan::gateway::store {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{200};
constexpr milliseconds kBuildAgain{1000};
constexpr milliseconds kTidyEvery{60000};
// A table that fills slowly becomes a block after this part of max_age, so that age means
// something.
constexpr int kAgesOfTable = 8;

std::uint64_t ToNs(milliseconds time) { return static_cast<std::uint64_t>(time.count()) * 1000000; }

}  // namespace

Result<std::unique_ptr<TraceStore>> TraceStore::Open(std::unique_ptr<queue::Disk> disk,
                                                     StoreOptions options, const Clock& clock) {
  std::unique_ptr<TraceStore> store(new TraceStore(std::move(disk), std::move(options), clock));
  if (auto recovered = store->Recover(); !recovered) return tl::unexpected(recovered.error());
  store->writer_ = std::thread([raw = store.get()] { raw->RunWriter(); });
  store->builder_ = std::thread([raw = store.get()] { raw->RunBuilder(); });
  return store;
}

TraceStore::~TraceStore() { Close(); }

void TraceStore::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
  {
    const std::lock_guard lock(mutex_);
    builder_stops_ = true;
  }
  changed_.notify_all();
  if (builder_.joinable()) builder_.join();
}

void TraceStore::Append(std::string request, Done done) {
  Pending pending{.rows = ReadRows(std::move(request)), .done = std::move(done)};
  // A log's requests without spans are points (see AppendPoints).
  if (pending.rows.rows.empty()) return pending.done({});
  Enqueue(std::move(pending));
}

void TraceStore::AppendPoints(red::RedReport report, std::uint64_t other, Done done) {
  points_malformed_ += report.malformed;
  points_instrumented_ += report.instrumented;
  points_other_ += other - std::min(other, report.points);
  if (report.families.empty()) return done({});
  Pending pending{.families = std::move(report.families), .done = std::move(done)};
  pending.rows.text = std::make_shared<const std::string>(red::EncodeRedRecord(pending.families));
  Enqueue(std::move(pending));
}

void TraceStore::Enqueue(Pending pending) {
  Error refusal;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = pending.rows.text->size();
    if (closed_) {
      refusal = {ErrorCode::kUnavailable, "the store is closing"};
    } else if (pending_bytes_ > 0 && pending_bytes_ + bytes > options_.pending_bytes) {
      refusal = {ErrorCode::kResourceExhausted, "the store can't write as fast as requests come"};
    } else {
      pending_bytes_ += bytes;
      pending_.push_back(std::move(pending));
      changed_.notify_all();
      return;
    }
  }
  refused_ += pending.rows.rows.size();
  pending.done(tl::unexpected(std::move(refusal)));
}

TraceStore::Batch TraceStore::TakeBatch() {
  Batch batch;
  std::uint64_t bytes = 0;
  while (!pending_.empty() && (batch.empty() || bytes < options_.group_bytes)) {
    bytes += pending_.front().rows.text->size();
    batch.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return batch;
}

void TraceStore::RunWriter() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, kTick, [&] { return closed_ || !pending_.empty(); });
    if (pending_.empty() && closed_) return;
    Batch batch = TakeBatch();
    std::size_t bytes = 0;
    for (const Pending& pending : batch) bytes += pending.rows.text->size();
    const bool closing = closed_;
    lock.unlock();
    RemoveExpired();
    if (!batch.empty()) {
      Commit(std::move(batch));
    } else if (!closing && TableIsOld()) {
      (void)Seal();  // tried again at the next tick
    }
    lock.lock();
    pending_bytes_ -= bytes;
  }
}

void TraceStore::Refuse(Batch& batch, const Error& error) {
  for (Pending& pending : batch) {
    refused_ += pending.rows.rows.size();
    pending.done(tl::unexpected(error));
  }
}

void TraceStore::Commit(Batch batch) {
  if (TableIsFull()) {
    if (auto sealed = Seal(); !sealed) return Refuse(batch, sealed.error());
  }
  // One time for the log and for all decisions, so that the log leads to the same ones.
  const std::uint64_t now_ns = clock_.realtime_ns();
  if (auto written = WriteBatch(batch, now_ns); !written) return Refuse(batch, written.error());
  for (Pending& pending : batch) {
    Memtable::Inserted inserted;
    std::shared_ptr<SpanWatcher> watcher;
    const std::size_t first = active_->rows().size();
    {
      const std::lock_guard data(data_mutex_);
      const std::lock_guard table(table_mutex_);
      ledger_.Begin(now_ns);
      TakePoints(pending.families, now_ns, *active_);
      inserted = active_->Insert(std::move(pending.rows), now_ns, &recent_, &ledger_);
      active_->JoinCalls(first, now_ns, recent_);
      calls_unjoined_ = recent_.forgotten();
      watcher = watcher_;
      for (const auto& [service, operation] : inserted.names) {
        catalog_.Add(active_->number(), service, operation.name, operation.kind);
      }
      written_ += inserted.spans;
      duplicates_ += inserted.duplicates;
    }
    pending.done({});
    if (watcher == nullptr) continue;
    for (std::size_t i = first; i < active_->rows().size(); ++i) {
      const SpanRow& row = active_->rows()[i];
      watcher->OnSpan(row, active_->groups()[row.group]);
    }
  }
}

void TraceStore::TakePoints(const std::vector<red::RedFamily>& families, std::uint64_t received_ns,
                            Memtable& table) {
  if (families.empty()) return;
  table.Note(received_ns);
  ledger_.Take(families, received_ns,
               [&](const red::Residual& residual) { table.Add(residual, received_ns); });
}

Result<> TraceStore::WriteBatch(const Batch& batch, std::uint64_t now_ns) {
  std::vector<std::string_view> requests;
  std::vector<std::uint32_t> spans;
  for (const Pending& pending : batch) {
    requests.emplace_back(*pending.rows.text);
    spans.push_back(static_cast<std::uint32_t>(pending.rows.rows.size()));
  }
  const std::uint64_t bytes = SpanLog::BytesFor(requests);
  if (auto room = Reserve(bytes); !room) return room;
  auto written = log_->Append(requests, spans, now_ns);
  if (written) {
    ++syncs_;
    return {};
  }
  Release(bytes);
  ++failed_writes_;
  return written;
}

// active_ changes on the writer's thread alone, which is where these two run.
bool TraceStore::TableIsFull() const {
  // A log may hold points alone.
  return active_->rows().size() >= options_.block_spans ||
         active_->bytes() >= options_.block_bytes || log_->bytes() >= 2 * options_.block_bytes;
}

bool TraceStore::TableIsOld() const {
  const std::uint64_t first_ns = active_->first_received_ns();
  return options_.max_age.count() > 0 && first_ns > 0 &&
         clock_.realtime_ns() > first_ns + ToNs(options_.max_age) / kAgesOfTable;
}

// The table is handed to the builder and a new one begun. Waits for the one before to become a
// block, unless that fails.
Result<> TraceStore::Seal() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !sealed_waits_ || build_fails_; });
    if (sealed_waits_) {
      return Fail(ErrorCode::kResourceExhausted, "the store can't write a block, see the log");
    }
  }
  constexpr std::uint64_t kHeader = 32;
  if (auto room = Reserve(kHeader); !room) return room;
  auto log = SpanLog::Create(*disk_, next_number_, options_.sync);
  if (!log) {
    Release(kHeader);
    ++failed_writes_;
    return tl::unexpected(log.error());
  }
  {
    const std::lock_guard data(data_mutex_);
    {
      const std::lock_guard table(table_mutex_);
      active_->SetNotes(ledger_.TakeChanges());
    }
    sealed_ = std::move(active_);
    sealed_log_bytes_ = log_->bytes();
    AddToTotals(*sealed_, totals_);
    rates_other_ += sealed_->rates().left_out();
    rates_out_of_time_ += sealed_->out_of_time();
    rates_peers_other_ += sealed_->peers_other();
    active_ = std::make_shared<Memtable>(next_number_, LimitsOfRates());
  }
  log_ = std::move(*log);
  ++next_number_;
  const std::lock_guard lock(mutex_);
  sealed_waits_ = true;
  changed_.notify_all();
  return {};
}

void TraceStore::RunBuilder() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, kTidyEvery, [&] { return builder_stops_ || sealed_waits_; });
    if (builder_stops_) return;
    if (!sealed_waits_) {
      lock.unlock();
      TidyRates();
      lock.lock();
      continue;
    }
    lock.unlock();
    auto built = BuildSealed();
    lock.lock();
    build_fails_ = !built;
    if (built) {
      sealed_waits_ = false;
      changed_.notify_all();
      lock.unlock();
      TidyRates();
      lock.lock();
      continue;
    }
    ++failed_writes_;
    log::WriteLimited(log::Level::kError, "store " + options_.directory,
                      fmt::format("store {}: {}; the spans stay in memory and in their log",
                                  options_.directory, built.error().message));
    changed_.notify_all();
    changed_.wait_for(lock, kBuildAgain, [&] { return builder_stops_; });
  }
}

Result<> TraceStore::BuildSealed() {
  std::shared_ptr<const Memtable> table;
  std::uint64_t log_bytes = 0;
  {
    const std::lock_guard data(data_mutex_);
    table = sealed_;
    log_bytes = sealed_log_bytes_;
  }
  if (table->rows().empty()) return BuildRatesAlone(*table, log_bytes);
  const std::string name = FileName(table->number(), kBlockSuffix);
  // Rates first: a whole block takes its log away, and with it what they could be made of.
  auto rates = rate_files_.Write(table->rates(), table->number(), table->notes());
  if (!rates) return tl::unexpected(rates.error());
  std::uint64_t reserved = 0;
  const auto give_up = [&](Error error) -> Result<> {
    if (!disk_->Remove(name)) ++failed_writes_;
    rate_files_.Discard(**rates);
    Release(reserved);
    return Wrap("block " + name, std::move(error));
  };
  auto file = disk_->Create(name);
  if (!file) return give_up(std::move(file.error()));
  auto written = WriteBlock(*table, options_, **file, [&](std::uint64_t bytes) {
    auto room = Reserve(bytes);
    if (room) reserved += bytes;
    return room;
  });
  if (!written) return give_up(std::move(written.error()));
  if (options_.sync) {
    if (auto synced = disk_->SyncFolder(); !synced) return give_up(std::move(synced.error()));
  }
  auto reader = BlockReader::Open(std::move(*file), table->number(), damage_);
  if (!reader) return give_up(std::move(reader.error()));
  auto filter = (*reader)->ReadFilter();
  {
    const std::lock_guard data(data_mutex_);
    const auto after = std::upper_bound(
        blocks_.begin(), blocks_.end(), table->number(),
        [](std::uint64_t number, const BlockInfo& block) { return number < block.number; });
    BlockInfo& block = *blocks_.insert(after, (*reader)->info());
    block.filter = std::move(filter);
    KeepFilters();
    rate_files_.Show(std::move(*rates));
    sealed_ = nullptr;
  }
  RemoveLog(table->number(), log_bytes);
  return {};
}

Result<> TraceStore::BuildRatesAlone(const Memtable& table, std::uint64_t log_bytes) {
  auto rates = rate_files_.Write(table.rates(), table.number(), table.notes());
  if (!rates) return tl::unexpected(rates.error());
  // While the log is there the file is not believed, so the log goes before anything is built on
  // it.
  RemoveLog(table.number(), log_bytes);
  const std::lock_guard data(data_mutex_);
  rate_files_.Show(std::move(*rates));
  sealed_ = nullptr;
  return {};
}

// What it held is safe elsewhere; one that stays because it can't be removed is met by the next
// opening.
void TraceStore::RemoveLog(std::uint64_t number, std::uint64_t bytes) {
  if (auto removed = disk_->Remove(FileName(number, kLogSuffix)); !removed) {
    log::Warn("store {}: {}", options_.directory, removed.error().message);
  } else {
    Release(bytes);
  }
}

// What fails is tried again with the next block.
void TraceStore::TidyRates() {
  auto tidied = rate_files_.Tidy(clock_.realtime_ns() / rates::kNsPerS);
  if (tidied) return;
  ++failed_writes_;
  log::WriteLimited(log::Level::kWarn, "rates " + options_.directory,
                    fmt::format("store {}: {}", options_.directory, tidied.error().message));
}

// Room for so many bytes within the bound of all files: the oldest blocks make it.
Result<> TraceStore::Reserve(std::uint64_t bytes) {
  for (;;) {
    {
      const std::lock_guard data(data_mutex_);
      if (disk_bytes_ + bytes <= options_.max_disk_bytes) {
        disk_bytes_ += bytes;
        return {};
      }
      if (blocks_.empty()) {
        return Fail(ErrorCode::kResourceExhausted,
                    fmt::format("the store's bound of {} bytes is less than its logs need",
                                options_.max_disk_bytes));
      }
    }
    RemoveOldest(removed_by_bytes_);
  }
}

void TraceStore::Release(std::uint64_t bytes) {
  const std::lock_guard data(data_mutex_);
  disk_bytes_ -= std::min(disk_bytes_, bytes);
}

void TraceStore::RemoveExpired() {
  if (options_.max_age.count() == 0) return;
  const std::uint64_t now_ns = clock_.realtime_ns();
  const std::uint64_t age_ns = ToNs(options_.max_age);
  for (;;) {
    {
      const std::lock_guard data(data_mutex_);
      if (blocks_.empty() || blocks_.front().last_received_ns + age_ns >= now_ns) return;
    }
    RemoveOldest(removed_by_age_);
  }
}

void TraceStore::RemoveOldest(std::atomic<std::uint64_t>& removed) {
  BlockInfo oldest;
  {
    const std::lock_guard data(data_mutex_);
    if (blocks_.empty()) return;
    oldest = std::move(blocks_.front());
    blocks_.pop_front();
    KeepFilters();
    catalog_.Forget(oldest.number + 1);
    removed += oldest.spans;
  }
  cache_.Forget(oldest.number);
  damage_.Forget(oldest.number);
  if (auto gone = disk_->Remove(FileName(oldest.number, kBlockSuffix)); !gone) {
    log::Warn("store {}: {}", options_.directory, gone.error().message);
    return;  // its bytes are still there, and counted
  }
  Release(oldest.bytes);
}

void TraceStore::KeepFilters() {
  filter_bytes_ = 0;
  for (const BlockInfo& block : blocks_) filter_bytes_ += block.filter ? block.filter->bytes() : 0;
  for (BlockInfo& block : blocks_) {
    if (filter_bytes_ <= options_.filter_bytes) return;
    if (!block.filter) continue;
    filter_bytes_ -= block.filter->bytes();
    block.filter = nullptr;
  }
}

StoreCounts TraceStore::counts() const {
  StoreCounts counts{.opened = opened_,
                     .duplicates = duplicates_,
                     .refused = refused_,
                     .syncs = syncs_,
                     .failed_writes = failed_writes_,
                     .memory_bytes = cache_.memory_bytes()};
  {
    const std::lock_guard lock(mutex_);
    counts.memory_bytes += pending_bytes_;
  }
  const std::lock_guard data(data_mutex_);
  const std::lock_guard table(table_mutex_);
  std::uint64_t oldest_ns = ~std::uint64_t{0};
  for (const Memtable* each : {static_cast<const Memtable*>(active_.get()), sealed_.get()}) {
    if (each == nullptr) continue;
    counts.spans += each->rows().size();
    counts.memory_bytes += each->bytes();
    oldest_ns = std::min(oldest_ns, each->min_start_ns());
  }
  counts.memory_bytes +=
      totals_.bytes() + before_opening_.bytes() + recent_.bytes() + filter_bytes_ + ledger_.bytes();
  counts.rates_other = rates_other_ + active_->rates().left_out();
  counts.rates_out_of_time = rates_out_of_time_ + active_->out_of_time();
  counts.calls_unjoined = calls_unjoined_;
  counts.rates_peers_other = rates_peers_other_ + active_->peers_other();
  counts.points = ledger_.counts();
  counts.points_malformed = points_malformed_;
  counts.points_instrumented = points_instrumented_;
  counts.points_other = points_other_;
  counts.rates_damaged = damaged_rate_files_ + rate_files_.damaged_windows().size();
  counts.rates_bytes = rate_files_.bytes();
  counts.rates_files = rate_files_.files().size();
  counts.rates_removed_windows = rate_files_.removed_windows();
  for (const BlockInfo& block : blocks_) {
    counts.spans += block.spans;
    if (block.spans > 0) oldest_ns = std::min(oldest_ns, block.min_start_ns);
  }
  counts.oldest_start_ns = counts.spans > 0 ? oldest_ns : 0;
  counts.written = written_;
  counts.removed_by_age = removed_by_age_;
  counts.removed_by_bytes = removed_by_bytes_;
  counts.blocks = blocks_.size();
  counts.disk_bytes = disk_bytes_;
  counts.names_left_out = catalog_.left_out();
  return counts;
}

}  // namespace wirespan::gateway::store
