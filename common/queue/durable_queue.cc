#include "common/queue/durable_queue.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/base/hash.h"
#include "common/telemetry/log.h"

namespace wirespan::queue {

namespace {

// An empty queue gives its last file back when it is larger than this.
constexpr std::uint64_t kWorthRemoving = 1u << 20;
constexpr std::size_t kMaxMeta = 0xffff;
constexpr std::uint64_t kMaxPayload = 0xffffffff;

SegmentScanner::ReadAt ReaderOf(std::shared_ptr<DiskFile> file) {
  return [file = std::move(file)](std::uint64_t offset, char* out, std::size_t size) {
    return file->Read(offset, out, size).value_or(0);
  };
}

void Subtract(Held& from, const Held& what) {
  from.records -= std::min(from.records, what.records);
  from.items -= std::min(from.items, what.items);
  from.bytes -= std::min(from.bytes, what.bytes);
}

}  // namespace

DurableQueue::~DurableQueue() { Close(); }

void DurableQueue::Append(std::string meta, std::vector<std::string_view> payload,
                          std::uint32_t items, std::shared_ptr<const void> keep, Done done) {
  Pending pending;
  std::uint64_t payload_bytes = 0;
  for (const std::string_view piece : payload) payload_bytes += piece.size();
  if (meta.size() > kMaxMeta || payload_bytes > kMaxPayload) {
    done(Fail(ErrorCode::kInvalidArgument, "the record is too large for the queue"));
    return;
  }
  std::vector<std::string_view> content = {meta};
  content.insert(content.end(), payload.begin(), payload.end());
  pending.header = {.meta_bytes = static_cast<std::uint16_t>(meta.size()),
                    .payload_bytes = static_cast<std::uint32_t>(payload_bytes),
                    .items = items,
                    .content = Hash64(std::span<const std::string_view>(content))};
  pending.meta = std::move(meta);
  pending.payload = std::move(payload);
  pending.keep = std::move(keep);
  pending.done = std::move(done);
  const std::uint64_t bytes = pending.header.whole_bytes();
  {
    std::lock_guard lock(mutex_);
    const bool full = options_.max_disk_bytes > 0 &&
                      counts_.disk_bytes + pending_bytes_ + bytes > options_.max_disk_bytes;
    if (!closed_ && !full) {
      pending_bytes_ += bytes;
      pending_.push_back(std::move(pending));
      changed_.notify_all();
      return;
    }
  }
  pending.done(Fail(ErrorCode::kResourceExhausted, "the queue on disk is full"));
}

void DurableQueue::Run() {
  for (;;) {
    Group group;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closed_ || !pending_.empty(); });
      if (pending_.empty()) return;
      std::uint64_t bytes = 0;
      while (!pending_.empty() && bytes < options_.group_bytes) {
        bytes += pending_.front().header.whole_bytes();
        group.push_back(std::move(pending_.front()));
        pending_.pop_front();
      }
      writing_ = true;
    }
    Commit(std::move(group));
  }
}

void DurableQueue::Commit(Group group) {
  std::uint64_t end = 0;
  std::uint64_t bytes = 0;
  for (const Pending& pending : group) bytes += pending.header.whole_bytes();
  auto segment = SegmentForWriting();
  Result<> written = segment ? WriteGroup(**segment, group, end) : tl::unexpected(segment.error());
  {
    std::lock_guard lock(mutex_);
    writing_ = false;
    pending_bytes_ -= bytes;
    if (written) {
      Segment& target = **segment;
      counts_.disk_bytes += end - target.end;
      target.end = end;
      for (Pending& pending : group) {
        const Held one{1, pending.header.items, pending.header.payload_bytes};
        for (Held* held : {&held_, &target.left}) {
          held->records += one.records;
          held->items += one.items;
          held->bytes += one.bytes;
        }
        ++target.written.records;
        target.written.items += one.items;
        target.written.bytes += one.bytes;
        if (pending.keep && kept_bytes_ + one.bytes <= options_.keep_bytes) {
          kept_bytes_ += one.bytes;
          kept_.emplace(pending.header.seq, std::move(pending.keep));
        }
      }
      if (options_.sync) ++counts_.syncs;
    } else {
      ++counts_.failed_writes;
    }
  }
  for (Pending& pending : group) pending.done(written);
}

Result<> DurableQueue::WriteGroup(Segment& segment, Group& group, std::uint64_t& end) {
  static constexpr std::string_view kPadding("\0\0\0\0\0\0\0", 7);
  const std::uint64_t first_seq = next_seq_;
  std::uint64_t start = 0;
  {
    std::lock_guard lock(mutex_);
    start = end = segment.end;
  }
  std::vector<std::array<char, kRecordHeaderBytes>> headers(group.size());
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < group.size(); ++i) {
    Pending& pending = group[i];
    pending.header.seq = next_seq_++;
    headers[i] = Encode(pending.header);
    pieces.emplace_back(headers[i].data(), headers[i].size());
    pieces.push_back(pending.meta);
    pieces.insert(pieces.end(), pending.payload.begin(), pending.payload.end());
    const std::uint64_t whole = pending.header.whole_bytes();
    pieces.push_back(
        kPadding.substr(0, whole - kRecordHeaderBytes - pending.header.content_bytes()));
    end += whole;
  }
  Result<> written = segment.file->Write(start, pieces);
  if (written && options_.sync) written = segment.file->Sync();
  if (written) return {};
  // Nobody was told that these are safe. The file ends where it did, and nothing more goes into it:
  // after a failed sync the kernel may have forgotten what it could not write.
  next_seq_ = first_seq;
  (void)segment.file->Truncate(start);
  std::lock_guard lock(mutex_);
  segment.sealed = true;
  if (active_.get() == &segment) active_.reset();
  return written;
}

Result<std::shared_ptr<DurableQueue::Segment>> DurableQueue::SegmentForWriting() {
  std::shared_ptr<Segment> full;
  {
    std::lock_guard lock(mutex_);
    if (active_ && active_->end < options_.segment_bytes) return active_;
    full = std::move(active_);
    active_.reset();
    // A segment that failed before its first record keeps its name: numbers are used once.
    while (segments_.contains(next_seq_)) ++next_seq_;
  }
  if (full) {
    Seal(*full);
    RemoveIfDone(full);
  }
  auto segment = std::make_shared<Segment>();
  segment->first_seq = next_seq_;
  segment->name = SegmentName(next_seq_);
  auto file = disk_->Create(segment->name + std::string(kSegmentSuffix));
  if (!file) return tl::unexpected(file.error());
  segment->file = std::move(*file);
  const auto header = Encode(SegmentHeader{.first_seq = next_seq_});
  const std::string_view bytes(header.data(), header.size());
  Result<> written = segment->file->Write(0, std::span(&bytes, 1));
  if (written && options_.sync) written = segment->file->Sync();
  if (written && options_.sync) written = disk_->SyncFolder();
  if (!written) {
    (void)disk_->Remove(segment->name + std::string(kSegmentSuffix));
    return tl::unexpected(written.error());
  }
  segment->end = kSegmentHeaderBytes;
  std::lock_guard lock(mutex_);
  counts_.disk_bytes += segment->end;
  segments_[segment->first_seq] = segment;
  active_ = segment;
  return segment;
}

// A footer spares the next start the walk through the file; without one nothing is lost.
void DurableQueue::Seal(Segment& segment) {
  std::uint64_t end = 0;
  FooterCounts counts;
  {
    std::lock_guard lock(mutex_);
    end = segment.end;
    counts = segment.written;
  }
  const std::string footer = EncodeFooter(next_seq_, counts);
  const std::string_view piece = footer;
  const bool written = segment.file->Write(end, std::span(&piece, 1)).has_value();
  std::lock_guard lock(mutex_);
  segment.sealed = true;
  if (!written) return;
  segment.end += footer.size();
  counts_.disk_bytes += footer.size();
}

std::shared_ptr<DurableQueue::Segment> DurableQueue::SegmentToRead() {
  std::lock_guard lock(mutex_);
  for (const auto& [seq, segment] : segments_) {
    if (!segment->read_to_end) return segment;
  }
  return nullptr;
}

std::optional<DurableQueue::Record> DurableQueue::Take(bool with_payload) {
  for (;;) {
    if (!cursor_.segment) {
      cursor_.segment = SegmentToRead();
      if (!cursor_.segment) return std::nullopt;
      if (!cursor_.segment->file) {
        auto file = disk_->Open(cursor_.segment->name + std::string(kSegmentSuffix));
        if (!file) {
          log::LogError("queue: {}: it is left for the next start", file.error().message);
          std::lock_guard lock(mutex_);
          cursor_.segment->read_to_end = true;
          cursor_.segment->outstanding = 1;  // so that it is not removed
          cursor_.segment.reset();
          continue;
        }
        cursor_.segment->file = std::move(*file);
      }
      cursor_.scanner = std::make_unique<SegmentScanner>(ReaderOf(cursor_.segment->file),
                                                         cursor_.segment->first_seq);
    }
    Segment& segment = *cursor_.segment;
    std::uint64_t end = 0;
    bool sealed = false;
    {
      std::lock_guard lock(mutex_);
      end = segment.end;
      sealed = segment.sealed;
    }
    const Found found = cursor_.scanner->Next(end);
    if (found.kind == Found::Kind::kEnd && !sealed) return std::nullopt;
    if (found.kind == Found::Kind::kEnd || found.kind == Found::Kind::kFooter) {
      {
        std::lock_guard lock(mutex_);
        segment.read_to_end = true;
      }
      RemoveIfDone(std::exchange(cursor_.segment, nullptr));
      continue;
    }
    if (found.kind != Found::Kind::kRecord) {
      CountDamage(segment, found);
      continue;
    }
    Record record;
    record.seq = found.header.seq;
    record.items = found.header.items;
    record.payload_bytes = found.header.payload_bytes;
    record.earlier_life = segment.earlier_life;
    {
      std::lock_guard lock(mutex_);
      if (segment.acked.erase(record.seq) > 0) continue;
      if (const auto kept = kept_.find(record.seq); kept != kept_.end()) {
        record.kept = std::move(kept->second);
        kept_.erase(kept);
        kept_bytes_ -= record.payload_bytes;
      }
    }
    std::uint64_t at = found.offset + kRecordHeaderBytes;
    record.meta.resize(found.header.meta_bytes);
    bool ok = segment.file->Read(at, record.meta.data(), record.meta.size()).value_or(0) ==
              record.meta.size();
    if (ok && with_payload && !record.kept) {
      record.payload.resize(record.payload_bytes);
      at += record.meta.size();
      ok = segment.file->Read(at, record.payload.data(), record.payload.size()).value_or(0) ==
               record.payload.size() &&
           ContentOk(found.header, record.meta, record.payload);
    }
    if (!ok) {
      CountDamage(segment,
                  {.kind = Found::Kind::kDamaged, .header = found.header, .lost_records = 1});
      continue;
    }
    std::lock_guard lock(mutex_);
    ++segment.outstanding;
    return record;
  }
}

std::optional<DurableQueue::Record> DurableQueue::Next() {
  std::lock_guard reading(read_mutex_);
  return Take(true);
}

std::optional<DurableQueue::Record> DurableQueue::DropOldest() {
  std::lock_guard reading(read_mutex_);
  auto record = Take(false);
  if (record) Ack(record->seq, record->items, record->payload_bytes);
  return record;
}

void DurableQueue::CountDamage(Segment& segment, const Found& found) {
  std::lock_guard lock(mutex_);
  counts_.damaged_records += found.lost_records;
  // What has no sound header was not counted when the file was looked through at the start.
  const bool counted = found.header.seq != 0 || segment.left_by_footer || !segment.earlier_life;
  if (!counted) return;
  const Held lost{found.lost_records, found.header.items, found.header.payload_bytes};
  Subtract(held_, lost);
  Subtract(segment.left, lost);
}

void DurableQueue::Ack(std::uint64_t seq, std::uint32_t items, std::uint64_t payload_bytes) {
  std::shared_ptr<Segment> segment;
  {
    std::lock_guard lock(mutex_);
    const auto after = segments_.upper_bound(seq);
    if (after == segments_.begin()) return;
    segment = std::prev(after)->second;
    if (segment->outstanding > 0) --segment->outstanding;
    const Held one{1, items, payload_bytes};
    Subtract(held_, one);
    Subtract(segment->left, one);
    if (!segment->acks) {
      auto file = disk_->Create(segment->name + std::string(kAckSuffix));
      if (file) segment->acks = std::move(*file);
      segment->acks_size = 0;
    }
    // Not synced: an acknowledgement that is lost costs a repetition, not a loss.
    const auto entry = Encode(AckEntry{seq, items});
    const std::string_view bytes(entry.data(), entry.size());
    if (segment->acks && segment->acks->Write(segment->acks_size, std::span(&bytes, 1))) {
      segment->acks_size += entry.size();
      counts_.disk_bytes += entry.size();
    }
    const bool drained = segment == active_ && !writing_ && pending_.empty() &&
                         segment->left.records == 0 && segment->outstanding == 0 &&
                         segment->end > kWorthRemoving;
    if (drained) {
      active_->sealed = true;
      active_.reset();
    }
  }
  RemoveIfDone(segment);
}

void DurableQueue::RemoveIfDone(const std::shared_ptr<Segment>& segment) {
  {
    std::lock_guard lock(mutex_);
    if (!segment->sealed || !segment->read_to_end || segment->outstanding > 0) return;
    if (segments_.erase(segment->first_seq) == 0) return;
    Subtract(held_, segment->left);
    counts_.disk_bytes -= std::min(counts_.disk_bytes, segment->end + segment->acks_size);
  }
  Remove(segment);
}

void DurableQueue::Remove(const std::shared_ptr<Segment>& segment) {
  // The acknowledgements last: without them the records would come back after a crash between.
  (void)disk_->Remove(segment->name + std::string(kSegmentSuffix));
  (void)disk_->Remove(segment->name + std::string(kAckSuffix));
}

void DurableQueue::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  if (!writer_.joinable()) return;
  writer_.join();
  std::shared_ptr<Segment> active;
  {
    std::lock_guard lock(mutex_);
    active = std::move(active_);
    active_.reset();
  }
  if (!active) return;
  Seal(*active);
  if (options_.sync) (void)active->file->Sync();
  {
    std::lock_guard lock(mutex_);
    if (active->left.records > 0 || active->outstanding > 0) return;
    active->read_to_end = true;
  }
  RemoveIfDone(active);
}

Held DurableQueue::held() const {
  std::lock_guard lock(mutex_);
  return held_;
}

DurableCounts DurableQueue::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace wirespan::queue
