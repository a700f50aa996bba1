// How a QueuedExporter joins requests that wait, and cuts what is too large.
#include <algorithm>
#include <limits>
#include <utility>

#include "common/otlp/walk.h"
#include "gateway/sink/encode.h"
#include "gateway/sink/queued_exporter.h"

namespace wirespan::gateway {

namespace {

// While a batch of one tenant is joined, so many batches' worth of others are read from disk.
constexpr std::uint64_t kMostPassedOver = 4;

// Takes so many items of the last lanes out of the list.
using Lanes = std::vector<std::pair<ExporterLane*, std::uint64_t>>;
Lanes ShareOf(Lanes& lanes, std::uint64_t items) {
  Lanes share;
  while (items > 0 && !lanes.empty()) {
    auto& [lane, left] = lanes.back();
    const std::uint64_t taken = std::min(items, left);
    share.emplace_back(lane, taken);
    items -= taken;
    left -= taken;
    if (left == 0) lanes.pop_back();
  }
  return share;
}

}  // namespace

std::uint64_t QueuedExporter::SizeInBatch(const Batch& batch) const {
  if (!queue_.batch || queue_.batch->sizer == Sizer::kItems) return batch.items;
  return std::max(batch.bytes.size(), batch.bytes.received().piece.view.size());
}

void QueuedExporter::JoinMore(Entry& entry, std::unique_lock<std::mutex>& lock) {
  const std::uint64_t most =
      queue_.batch->max_size > 0 ? queue_.batch->max_size : queue_.batch->min_size;
  std::vector<Ack> acks;
  std::uint64_t size = SizeInBatch(entry.batch);
  std::size_t at = 0;  // those before it are of other tenants
  while (size < most) {
    if (at >= waiting_.size()) {
      if (waiting_size_ >= kMostPassedOver * most || !Fetch(lock)) break;
      continue;  // others may have taken from waiting_ meanwhile
    }
    Entry& next = *waiting_[at];
    if (!SameMetadata(entry.batch.metadata, next.batch.metadata)) {
      ++at;
      continue;
    }
    const std::uint64_t more = SizeInBatch(next.batch);
    if (queue_.batch->max_size > 0 && size + more > queue_.batch->max_size) break;
    if (acks.empty()) acks.push_back(std::move(entry.batch.ack));
    MakePlain(entry.batch.bytes);
    MakePlain(next.batch.bytes);
    entry.batch.bytes.Append(next.batch.bytes);
    entry.batch.items += next.batch.items;
    entry.units += next.units;
    for (auto& lease : next.batch.leases) entry.batch.leases.push_back(std::move(lease));
    for (auto& record : next.on_disk) entry.on_disk.push_back(std::move(record));
    for (const auto& lane : next.lanes) entry.lanes.push_back(lane);
    acks.push_back(std::move(next.batch.ack));
    waiting_size_ -= more;
    size += more;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (acks.empty()) return;
  std::erase_if(acks, [](const Ack& ack) { return !ack.pending(); });
  if (!acks.empty()) entry.batch.ack = MergeAcks(std::move(acks));
}

bool QueuedExporter::IsTooLarge(const Bytes& bytes) const {
  return queue_.max_request_bytes > 0 && bytes.size() > queue_.max_request_bytes;
}

// What is larger than a batch or a request may be goes out in parts; the rest waits at the front.
void QueuedExporter::CutToSize(EntryPtr& entry) {
  const std::uint64_t most = queue_.batch ? queue_.batch->max_size : 0;
  const bool over_batch = most > 0 && SizeInBatch(entry->batch) > most;
  if (!over_batch && !IsTooLarge(entry->batch.bytes)) return;
  if (signal_ == Signal::kProfiles) return;  // parts would lack the dictionary
  MakePlain(entry->batch.bytes);
  constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
  const bool by_bytes = queue_.batch && queue_.batch->sizer == Sizer::kBytes;
  std::size_t bytes = queue_.max_request_bytes > 0 ? queue_.max_request_bytes : kAny;
  if (by_bytes && over_batch) bytes = std::min(bytes, most);
  std::string storage;
  auto parts = otlp::Split(signal_, entry->batch.bytes.Contiguous(storage),
                           over_batch && !by_bytes ? most : kAny, bytes);
  if (parts.size() < 2) return;
  const bool pending = entry->batch.ack.pending();
  auto lanes = std::move(entry->lanes);
  auto acks = ForkAck(std::move(entry->batch.ack), pending ? parts.size() : 1, Forks::kParts);
  for (auto& record : entry->on_disk) record->parts += parts.size() - 1;
  for (std::size_t i = parts.size(); i-- > 0;) {
    auto part = i == 0 ? entry : std::make_shared<Entry>();
    if (i > 0) {
      part->arrived = entry->arrived;
      part->on_disk = entry->on_disk;
      part->batch.signal = signal_;
      part->batch.leases = entry->batch.leases;
      part->batch.metadata = entry->batch.metadata;
    }
    part->lanes = ShareOf(lanes, parts[i].items);
    part->batch.items = parts[i].items;
    part->batch.bytes = Bytes(std::move(parts[i].bytes));
    if (pending) part->batch.ack = std::move(acks[i]);
    if (i == 0) break;
    waiting_size_ += SizeInBatch(part->batch);
    waiting_.push_front(std::move(part));
  }
}

}  // namespace wirespan::gateway
