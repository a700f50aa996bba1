// What DurableQueue does with the files of an earlier life.
#include <algorithm>
#include <utility>

#include "common/queue/durable_queue.h"

namespace wirespan::queue {

namespace {

// Of all segments, before any of them is touched.
Result<> CheckVersion(Disk& disk, const std::string& file) {
  auto opened = disk.Open(file);
  if (!opened) return tl::unexpected(opened.error());
  std::string bytes(kSegmentHeaderBytes, '\0');
  auto got = (*opened)->Read(0, bytes.data(), bytes.size());
  if (!got) return tl::unexpected(got.error());
  SegmentHeader header;
  if (Decode(bytes, header) == SegmentRead::kNewer) {
    return Fail(ErrorCode::kUnsupported,
                file + " has format version " + std::to_string(header.version) +
                    " and this program knows up to " + std::to_string(kFormatVersion) +
                    "; nothing was changed");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<DurableQueue>> DurableQueue::Open(std::unique_ptr<Disk> disk,
                                                         DurableOptions options) {
  std::unique_ptr<DurableQueue> queue(new DurableQueue(std::move(disk), options));
  if (auto recovered = queue->Recover(); !recovered) return tl::unexpected(recovered.error());
  queue->writer_ = std::thread([raw = queue.get()] { raw->Run(); });
  return queue;
}

Result<> DurableQueue::Recover() {
  auto names = disk_->List();
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!ParseSegmentFile(name)) continue;
    if (auto known = CheckVersion(*disk_, name); !known) return known;
  }
  for (const std::string& name : *names) {
    const auto first_seq = ParseSegmentFile(name);
    if (!first_seq) continue;
    const std::string acks = SegmentName(*first_seq) + std::string(kAckSuffix);
    auto segment =
        RecoverSegment(*first_seq, std::binary_search(names->begin(), names->end(), acks));
    if (!segment) return tl::unexpected(segment.error());
    if (!*segment) {  // it was begun and nothing came into it
      if (auto removed = disk_->Remove(name); !removed) return removed;
      continue;
    }
    held_.records += (*segment)->left.records;
    held_.items += (*segment)->left.items;
    held_.bytes += (*segment)->left.bytes;
    counts_.disk_bytes += (*segment)->end + (*segment)->acks_size;
    segments_[*first_seq] = std::move(*segment);
  }
  return {};
}

// Null: the file holds nothing.
Result<std::shared_ptr<DurableQueue::Segment>> DurableQueue::RecoverSegment(std::uint64_t first_seq,
                                                                            bool has_acks) {
  auto segment = std::make_shared<Segment>();
  segment->first_seq = first_seq;
  segment->name = SegmentName(first_seq);
  segment->sealed = true;
  segment->earlier_life = true;
  auto file = disk_->Open(segment->name + std::string(kSegmentSuffix));
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->Size();
  if (!size) return tl::unexpected(size.error());
  segment->end = *size;
  if (has_acks) {
    auto acks = disk_->Open(segment->name + std::string(kAckSuffix));
    if (!acks) return tl::unexpected(acks.error());
    segment->acks = std::move(*acks);
    auto bytes_long = segment->acks->Size();
    if (!bytes_long) return tl::unexpected(bytes_long.error());
    std::string bytes(*bytes_long, '\0');
    if (auto got = segment->acks->Read(0, bytes.data(), bytes.size()); !got) {
      return tl::unexpected(got.error());
    }
    for (const AckEntry& entry : DecodeAcks(bytes)) segment->acked.insert(entry.seq);
    segment->acks_size = bytes.size() - bytes.size() % kAckBytes;
  }
  SegmentScanner scanner(
      [&](std::uint64_t offset, char* out, std::size_t wanted) {
        return (*file)->Read(offset, out, wanted).value_or(0);
      },
      first_seq);
  // A footer at the end tells all; otherwise the headers do.
  if (segment->acked.empty() && *size >= kSegmentHeaderBytes + kFooterBytes) {
    std::string bytes(kFooterBytes, '\0');
    const auto got = (*file)->Read(*size - kFooterBytes, bytes.data(), bytes.size());
    FooterCounts counts;
    if (got && DecodeFooter(bytes, next_seq_, counts)) {
      segment->left = {counts.records, counts.items, counts.bytes};
      segment->left_by_footer = true;
      if (counts.records == 0) return std::shared_ptr<Segment>();
      return segment;
    }
  }
  bool anything = false;
  for (;;) {
    const Found found = scanner.Next(segment->end);
    if (found.kind == Found::Kind::kEnd) break;
    if (found.kind == Found::Kind::kFooter) continue;
    anything = true;
    if (found.kind != Found::Kind::kRecord || segment->acked.contains(found.header.seq)) continue;
    ++segment->left.records;
    segment->left.items += found.header.items;
    segment->left.bytes += found.header.payload_bytes;
  }
  next_seq_ = std::max({next_seq_, scanner.next_seq(), first_seq + 1});
  if (!anything) return std::shared_ptr<Segment>();
  return segment;
}

}  // namespace wirespan::queue
