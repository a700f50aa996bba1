#include "gateway/sink/store/span_log.h"

#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "common/queue/segment.h"
#include "gateway/sink/store/block_format.h"
#include "gateway/sink/store/byte_order.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::size_t kMetaBytes = 8;
constexpr std::string_view kPadding("\0\0\0\0\0\0\0", 7);

std::string_view View(const auto& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

Result<std::unique_ptr<SpanLog>> SpanLog::Create(queue::Disk& disk, std::uint64_t number, bool sync,
                                                 std::string_view suffix) {
  auto file = disk.Create(FileName(number, suffix));
  if (!file) return tl::unexpected(file.error());
  std::unique_ptr<SpanLog> log(new SpanLog(std::move(*file), number, sync));
  const auto header = queue::Encode(queue::SegmentHeader{.first_seq = 1});
  const std::string_view piece = View(header);
  if (auto ok = log->file_->Write(0, std::span(&piece, 1)); !ok) return tl::unexpected(ok.error());
  log->end_ = header.size();
  if (!sync) return log;
  if (auto ok = log->file_->Sync(); !ok) return tl::unexpected(ok.error());
  if (auto ok = disk.SyncFolder(); !ok) return tl::unexpected(ok.error());
  return log;
}

Result<> SpanLog::CheckVersion(queue::Disk& disk, std::uint64_t number) {
  const std::string name = FileName(number, kLogSuffix);
  auto file = disk.Open(name);
  if (!file) return tl::unexpected(file.error());
  std::string front(queue::kSegmentHeaderBytes, '\0');
  if (auto got = (*file)->Read(0, front.data(), front.size()); !got) {
    return tl::unexpected(got.error());
  }
  queue::SegmentHeader header;
  if (queue::Decode(front, header) != queue::SegmentRead::kNewer) return {};
  return Fail(ErrorCode::kUnsupported, name + " is of a newer version; nothing was changed");
}

Result<SpanLog::End> SpanLog::Read(const queue::DiskFile& file, const Visit& visit,
                                   DamageBook& book) {
  auto size = file.Size();
  if (!size) return tl::unexpected(size.error());
  queue::SegmentScanner scanner(
      [&](std::uint64_t offset, char* out, std::size_t wanted) {
        return file.Read(offset, out, wanted).value_or(0);
      },
      1);
  End end{.bytes = queue::kSegmentHeaderBytes};
  for (;;) {
    const queue::Found found = scanner.Next(*size);
    using Kind = queue::Found::Kind;
    if (found.kind == Kind::kEnd || found.kind == Kind::kTorn) break;
    if (found.kind == Kind::kDamaged) book.LogRecords(found.lost_records);
    if (found.kind != Kind::kRecord) continue;
    end.bytes = found.offset + found.header.whole_bytes();
    std::string content(found.header.content_bytes(), '\0');
    const auto got =
        file.Read(found.offset + queue::kRecordHeaderBytes, content.data(), content.size());
    if (!got || *got != content.size() || found.header.meta_bytes != kMetaBytes ||
        !queue::ContentOk(found.header, std::string_view(content).substr(0, kMetaBytes),
                          std::string_view(content).substr(kMetaBytes))) {
      book.LogRecords(1);
      continue;
    }
    const auto received_ns = GetNumber<std::uint64_t>(content, 0);
    visit(content.substr(kMetaBytes), received_ns);
  }
  end.next_seq = scanner.next_seq();
  return end;
}

Result<std::unique_ptr<SpanLog>> SpanLog::Recover(queue::Disk& disk, std::uint64_t number,
                                                  bool sync, const Visit& visit, DamageBook& book) {
  auto file = disk.Open(FileName(number, kLogSuffix));
  if (!file) return tl::unexpected(file.error());
  std::string front(queue::kSegmentHeaderBytes, '\0');
  if (auto got = (*file)->Read(0, front.data(), front.size()); !got) {
    return tl::unexpected(got.error());
  }
  const auto end = Read(**file, visit, book);
  if (!end) return tl::unexpected(end.error());
  std::unique_ptr<SpanLog> log(new SpanLog(std::move(*file), number, sync));
  log->end_ = end->bytes;
  log->next_seq_ = end->next_seq;
  // A header that did not reach the disk, or a torn end: both are written again.
  const auto again = queue::Encode(queue::SegmentHeader{.first_seq = 1});
  const std::string_view piece = View(again);
  if (front != piece) {
    if (auto ok = log->file_->Write(0, std::span(&piece, 1)); !ok) {
      return tl::unexpected(ok.error());
    }
  }
  if (auto ok = log->file_->Truncate(log->end_); !ok) return tl::unexpected(ok.error());
  return log;
}

std::uint64_t SpanLog::BytesFor(std::span<const std::string_view> requests) {
  std::uint64_t bytes = 0;
  for (const std::string_view request : requests) {
    bytes += queue::kRecordHeaderBytes + (kMetaBytes + request.size() + 7) / 8 * 8;
  }
  return bytes;
}

Result<> SpanLog::Append(std::span<const std::string_view> requests,
                         std::span<const std::uint32_t> spans, std::uint64_t received_ns) {
  std::string meta;
  PutNumber(meta, received_ns);
  std::vector<decltype(queue::Encode(queue::RecordHeader{}))> headers;
  headers.reserve(requests.size());
  std::vector<std::string_view> pieces;
  std::uint64_t end = end_;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::string_view content[] = {meta, requests[i]};
    const queue::RecordHeader header{
        .meta_bytes = kMetaBytes,
        .payload_bytes = static_cast<std::uint32_t>(requests[i].size()),
        .items = spans[i],
        .seq = next_seq_ + i,
        .content = Hash64(std::span<const std::string_view>(content))};
    headers.push_back(queue::Encode(header));
    pieces.push_back(View(headers.back()));
    pieces.push_back(meta);
    pieces.push_back(requests[i]);
    const std::uint64_t whole = header.whole_bytes();
    pieces.push_back(
        kPadding.substr(0, whole - queue::kRecordHeaderBytes - header.content_bytes()));
    end += whole;
  }
  auto written = file_->Write(end_, pieces);
  if (written && sync_) written = file_->Sync();
  if (!written) {
    // What is left of it must not come back: it was refused.
    (void)file_->Truncate(end_);
    return written;
  }
  end_ = end;
  next_seq_ += requests.size();
  return {};
}

}  // namespace wirespan::gateway::store
