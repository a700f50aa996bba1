#include "common/queue/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/hash.h"
#include "common/base/strings.h"

namespace wirespan::queue {

namespace {

constexpr std::string_view kSegmentMagic = "wsqueue\n";
constexpr std::string_view kRecordMagic = "WREC";
constexpr std::size_t kWindow = 64 << 10;
constexpr std::size_t kFooterContent = kFooterBytes - kRecordHeaderBytes;

template <class T>
void Put(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    at[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}

template <class T>
T Get(const char* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  }
  return static_cast<T>(value);
}

}  // namespace

std::array<char, kSegmentHeaderBytes> Encode(const SegmentHeader& header) {
  std::array<char, kSegmentHeaderBytes> bytes{};
  std::memcpy(bytes.data(), kSegmentMagic.data(), kSegmentMagic.size());
  Put<std::uint16_t>(&bytes[8], header.version);
  Put<std::uint16_t>(&bytes[10], kSegmentHeaderBytes);
  Put<std::uint64_t>(&bytes[16], header.first_seq);
  Put<std::uint64_t>(&bytes[24], Hash64(std::string_view(bytes.data(), 24)));
  return bytes;
}

SegmentRead Decode(std::string_view bytes, SegmentHeader& header) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) {
    return SegmentRead::kDamaged;
  }
  if (Get<std::uint64_t>(&bytes[24]) != Hash64(bytes.substr(0, 24))) return SegmentRead::kDamaged;
  header.version = Get<std::uint16_t>(&bytes[8]);
  header.first_seq = Get<std::uint64_t>(&bytes[16]);
  return header.version > kFormatVersion ? SegmentRead::kNewer : SegmentRead::kOk;
}

std::array<char, kRecordHeaderBytes> Encode(const RecordHeader& header) {
  std::array<char, kRecordHeaderBytes> bytes{};
  std::memcpy(bytes.data(), kRecordMagic.data(), kRecordMagic.size());
  Put<std::uint16_t>(&bytes[4], static_cast<std::uint16_t>(header.kind));
  Put<std::uint16_t>(&bytes[6], header.meta_bytes);
  Put<std::uint32_t>(&bytes[8], header.payload_bytes);
  Put<std::uint32_t>(&bytes[12], header.items);
  Put<std::uint64_t>(&bytes[16], header.seq);
  Put<std::uint64_t>(&bytes[24], header.content);
  Put<std::uint64_t>(&bytes[32], Hash64(std::string_view(bytes.data(), 32)));
  return bytes;
}

bool Decode(std::string_view bytes, RecordHeader& header) {
  if (bytes.size() < kRecordHeaderBytes || !bytes.starts_with(kRecordMagic)) return false;
  if (Get<std::uint64_t>(&bytes[32]) != Hash64(bytes.substr(0, 32))) return false;
  const auto kind = Get<std::uint16_t>(&bytes[4]);
  if (kind != 1 && kind != 2) return false;
  header.kind = static_cast<RecordKind>(kind);
  header.meta_bytes = Get<std::uint16_t>(&bytes[6]);
  header.payload_bytes = Get<std::uint32_t>(&bytes[8]);
  header.items = Get<std::uint32_t>(&bytes[12]);
  header.seq = Get<std::uint64_t>(&bytes[16]);
  header.content = Get<std::uint64_t>(&bytes[24]);
  return true;
}

std::string EncodeFooter(std::uint64_t next_seq, const FooterCounts& counts) {
  std::string content(kFooterContent, '\0');
  Put<std::uint64_t>(content.data(), counts.records);
  Put<std::uint64_t>(content.data() + 8, counts.items);
  Put<std::uint64_t>(content.data() + 16, counts.bytes);
  const RecordHeader header{.kind = RecordKind::kFooter,
                            .meta_bytes = kFooterContent,
                            .seq = next_seq,
                            .content = Hash64(content)};
  const auto bytes = Encode(header);
  return std::string(bytes.data(), bytes.size()) + content;
}

bool DecodeFooter(std::string_view bytes, std::uint64_t& next_seq, FooterCounts& counts) {
  RecordHeader header;
  if (bytes.size() != kFooterBytes || !Decode(bytes, header) ||
      header.kind != RecordKind::kFooter || header.content_bytes() != kFooterContent) {
    return false;
  }
  const std::string_view content = bytes.substr(kRecordHeaderBytes);
  if (Hash64(content) != header.content) return false;
  counts = {.records = Get<std::uint64_t>(content.data()),
            .items = Get<std::uint64_t>(content.data() + 8),
            .bytes = Get<std::uint64_t>(content.data() + 16)};
  next_seq = std::max(next_seq, header.seq);
  return true;
}

std::array<char, kAckBytes> Encode(const AckEntry& entry) {
  std::array<char, kAckBytes> bytes{};
  Put<std::uint64_t>(&bytes[0], entry.seq);
  Put<std::uint32_t>(&bytes[8], entry.items);
  Put<std::uint32_t>(&bytes[12],
                     static_cast<std::uint32_t>(Hash64(std::string_view(bytes.data(), 12))));
  return bytes;
}

std::string SegmentName(std::uint64_t first_seq) { return fmt::format("{:016x}", first_seq); }

std::optional<std::uint64_t> ParseSegmentFile(std::string_view file) {
  if (file.size() != 16 + kSegmentSuffix.size() || !file.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  return ParseHex(file.substr(0, 16));
}

std::vector<AckEntry> DecodeAcks(std::string_view bytes) {
  std::vector<AckEntry> entries;
  for (; bytes.size() >= kAckBytes; bytes.remove_prefix(kAckBytes)) {
    const auto check = static_cast<std::uint32_t>(Hash64(bytes.substr(0, 12)));
    if (Get<std::uint32_t>(&bytes[12]) != check) continue;
    entries.push_back({Get<std::uint64_t>(&bytes[0]), Get<std::uint32_t>(&bytes[8])});
  }
  return entries;
}

std::optional<RecordHeader> SegmentScanner::HeaderAt(std::uint64_t offset, std::uint64_t end) {
  std::array<char, kRecordHeaderBytes> bytes{};
  if (offset + bytes.size() > end || read_(offset, bytes.data(), bytes.size()) != bytes.size()) {
    return std::nullopt;
  }
  RecordHeader header;
  if (!Decode(std::string_view(bytes.data(), bytes.size()), header)) return std::nullopt;
  if (header.seq < next_seq_ || header.whole_bytes() > end - offset) return std::nullopt;
  return header;
}

Found SegmentScanner::Next(std::uint64_t end) {
  if (offset_ >= end) return {.kind = Found::Kind::kEnd, .offset = offset_};
  auto header = HeaderAt(offset_, end);
  if (!header) return Resync(end);
  if (header->seq != next_seq_) {  // the numbers between are gone without a trace
    const Found gap{.kind = Found::Kind::kDamaged, .offset = offset_, .lost_records = 1};
    next_seq_ = header->seq;
    return gap;
  }
  Found found{.kind = Found::Kind::kRecord, .offset = offset_, .header = *header};
  offset_ += header->whole_bytes();
  if (header->kind == RecordKind::kRecord) {
    ++next_seq_;
    return found;
  }
  found.kind = Found::Kind::kFooter;
  return found;
}

// Headers stand at multiples of 8.
Found SegmentScanner::Resync(std::uint64_t end) {
  const std::uint64_t from = offset_;
  std::string window(kWindow, '\0');
  bool zeros = true;
  for (std::uint64_t at = from; at < end;) {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, end - at));
    const std::size_t got = read_(at, window.data(), want);
    if (got == 0) break;
    const std::string_view view(window.data(), got);
    zeros = zeros && view.find_first_not_of('\0') == std::string_view::npos;
    for (std::size_t i = at == from ? 8 : 0; i + kRecordMagic.size() <= got; i += 8) {
      if (std::memcmp(view.data() + i, kRecordMagic.data(), kRecordMagic.size()) != 0) continue;
      const auto header = HeaderAt(at + i, end);
      if (!header) continue;
      const std::uint64_t bytes = at + i - from;
      // A forged number must not make a forged count.
      const std::uint64_t most = std::max<std::uint64_t>(1, bytes / kRecordHeaderBytes);
      offset_ = at + i;
      const std::uint64_t gap = header->seq - next_seq_;
      next_seq_ = header->seq;
      return {.kind = Found::Kind::kDamaged,
              .offset = from,
              .lost_records = std::clamp<std::uint64_t>(gap, 1, most),
              .lost_bytes = bytes};
    }
    if (got < want || want < kWindow) break;
    at += got;
  }
  offset_ = end;
  // A file that was made longer before a power loss ends in zeros: nothing was lost.
  return {.kind = zeros ? Found::Kind::kEnd : Found::Kind::kTorn,
          .offset = from,
          .lost_records = zeros ? 0u : 1u,
          .lost_bytes = end - from};
}

bool ContentOk(const RecordHeader& header, std::string_view meta, std::string_view payload) {
  const std::string_view pieces[] = {meta, payload};
  return Hash64(std::span<const std::string_view>(pieces)) == header.content;
}

}  // namespace wirespan::queue
