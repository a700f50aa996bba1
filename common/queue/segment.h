#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

// The bytes of a queue's files, without files: docs/format/queue.md. Little-endian throughout.
//
//   segment:  header (32) record* [footer]
//   record:   header (40) meta payload padding to 8
//   ack file: entry (16)*
namespace wirespan::queue {

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 40;
inline constexpr std::size_t kAckBytes = 16;

struct SegmentHeader {
  std::uint16_t version = kFormatVersion;
  std::uint64_t first_seq = 0;
};
std::array<char, kSegmentHeaderBytes> Encode(const SegmentHeader& header);
enum class SegmentRead : std::uint8_t { kOk, kDamaged, kNewer };
SegmentRead Decode(std::string_view bytes, SegmentHeader& header);

enum class RecordKind : std::uint16_t { kRecord = 1, kFooter = 2 };

struct RecordHeader {
  RecordKind kind = RecordKind::kRecord;
  std::uint16_t meta_bytes = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t items = 0;
  std::uint64_t seq = 0;      // of a footer: the number that the next record would have
  std::uint64_t content = 0;  // XXH3-64 of meta and payload

  std::uint64_t content_bytes() const { return std::uint64_t{meta_bytes} + payload_bytes; }
  // With header and padding.
  std::uint64_t whole_bytes() const { return kRecordHeaderBytes + (content_bytes() + 7) / 8 * 8; }
};
std::array<char, kRecordHeaderBytes> Encode(const RecordHeader& header);
// False: not a record's header, or a damaged one.
bool Decode(std::string_view bytes, RecordHeader& header);

inline constexpr std::size_t kFooterBytes = 64;
struct FooterCounts {
  std::uint64_t records = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;  // of payloads
};
std::string EncodeFooter(std::uint64_t next_seq, const FooterCounts& counts);

// Of a segment's last kFooterBytes. False: no sound footer; `next_seq` is only ever raised.
bool DecodeFooter(std::string_view bytes, std::uint64_t& next_seq, FooterCounts& counts);

struct AckEntry {
  std::uint64_t seq = 0;
  std::uint32_t items = 0;
};
std::array<char, kAckBytes> Encode(const AckEntry& entry);

// "<16 hex digits of the first number>.seg" and ".ack".
inline constexpr std::string_view kSegmentSuffix = ".seg";
inline constexpr std::string_view kAckSuffix = ".ack";
std::string SegmentName(std::uint64_t first_seq);  // without a suffix
// The number in a segment's file name; nullopt: another file.
std::optional<std::uint64_t> ParseSegmentFile(std::string_view file);

// The whole entries; damaged ones are left out (their records are delivered once more).
std::vector<AckEntry> DecodeAcks(std::string_view bytes);

// What stands at a place of a segment.
struct Found {
  enum class Kind : std::uint8_t {
    kRecord,   // header and offset
    kFooter,   // header
    kDamaged,  // bytes that are no record; sound ones follow
    kTorn,     // bytes that are no record, up to the end
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::uint64_t offset = 0;  // of the header
  RecordHeader header{};
  std::uint64_t lost_records = 0;  // kDamaged, kTorn: by the numbers around, at least 1
  std::uint64_t lost_bytes = 0;
};

// Goes from header to header, over damage to the next sound one. Contents are not looked at: check
// them with ContentOk when they are read. Any bytes whatsoever are taken; every step moves on.
class SegmentScanner {
 public:
  // Up to `size` bytes at `offset`; fewer only at the end of what there is.
  using ReadAt = std::function<std::size_t(std::uint64_t offset, char* out, std::size_t size)>;

  SegmentScanner(ReadAt read, std::uint64_t first_seq)
      : read_(std::move(read)), next_seq_(first_seq) {}

  // `end`: so many bytes of the segment may be looked at; it may grow from call to call.
  Found Next(std::uint64_t end);
  std::uint64_t offset() const { return offset_; }
  std::uint64_t next_seq() const { return next_seq_; }

 private:
  std::optional<RecordHeader> HeaderAt(std::uint64_t offset, std::uint64_t end);
  Found Resync(std::uint64_t end);

  ReadAt read_;
  std::uint64_t offset_ = kSegmentHeaderBytes;
  std::uint64_t next_seq_;
};

bool ContentOk(const RecordHeader& header, std::string_view meta, std::string_view payload);

}  // namespace wirespan::queue
