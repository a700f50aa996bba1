#include "common/queue/segment.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/hash.h"

namespace wirespan::queue {
namespace {

std::string RecordBytes(std::uint64_t seq, std::string_view meta, std::string_view payload,
                        std::uint32_t items = 1) {
  const std::string content = std::string(meta) + std::string(payload);
  const RecordHeader header{.meta_bytes = static_cast<std::uint16_t>(meta.size()),
                            .payload_bytes = static_cast<std::uint32_t>(payload.size()),
                            .items = items,
                            .seq = seq,
                            .content = Hash64(content)};
  const auto bytes = Encode(header);
  std::string record(bytes.data(), bytes.size());
  record += content;
  record.resize(header.whole_bytes());
  return record;
}

std::string SegmentOf(std::size_t records, bool footer = false) {
  const auto header = Encode(SegmentHeader{.first_seq = 10});
  std::string bytes(header.data(), header.size());
  for (std::size_t i = 0; i < records; ++i) {
    bytes += RecordBytes(10 + i, "m", std::string(20 + i, 'p'));
  }
  if (footer) bytes += EncodeFooter(10 + records, {records, records, 1});
  return bytes;
}

struct Walked {
  std::vector<std::uint64_t> seqs{};
  std::uint64_t lost = 0;
  bool footer = false;
  bool torn = false;
};
Walked WalkSegment(const std::string& bytes) {
  SegmentScanner scanner(
      [&](std::uint64_t offset, char* out, std::size_t size) {
        return offset >= bytes.size() ? 0 : bytes.copy(out, size, offset);
      },
      10);
  Walked walked;
  for (;;) {
    const Found found = scanner.Next(bytes.size());
    if (found.kind == Found::Kind::kEnd) return walked;
    walked.lost += found.lost_records;
    if (found.kind == Found::Kind::kFooter) walked.footer = true;
    if (found.kind == Found::Kind::kTorn) walked.torn = true;
    if (found.kind != Found::Kind::kRecord) continue;
    const std::string_view all(bytes);
    const std::string_view content =
        all.substr(found.offset + kRecordHeaderBytes, found.header.content_bytes());
    if (ContentOk(found.header, content, {})) {
      walked.seqs.push_back(found.header.seq);
    } else {
      ++walked.lost;
    }
  }
}

TEST(SegmentTest, ReadsWhatWasWritten) {
  const Walked walked = WalkSegment(SegmentOf(5, true));
  EXPECT_EQ(walked.seqs, (std::vector<std::uint64_t>{10, 11, 12, 13, 14}));
  EXPECT_EQ(walked.lost, 0u);
  EXPECT_TRUE(walked.footer);
}

TEST(SegmentTest, HeaderTellsItsVersionAndItsDamage) {
  SegmentHeader header;
  std::string bytes = SegmentOf(0);
  EXPECT_EQ(Decode(bytes, header), SegmentRead::kOk);
  EXPECT_EQ(header.first_seq, 10u);
  const auto newer = Encode(SegmentHeader{.version = kFormatVersion + 1, .first_seq = 10});
  EXPECT_EQ(Decode(std::string_view(newer.data(), newer.size()), header), SegmentRead::kNewer);
  bytes[17] ^= 1;
  EXPECT_EQ(Decode(bytes, header), SegmentRead::kDamaged);
  EXPECT_EQ(Decode(bytes.substr(0, 31), header), SegmentRead::kDamaged);
}

TEST(SegmentTest, EveryCutKeepsAllWholeRecords) {
  const std::string whole = SegmentOf(4);
  std::vector<std::size_t> ends = {kSegmentHeaderBytes};
  for (std::size_t i = 0; i < 4; ++i) {
    ends.push_back(ends.back() + RecordBytes(10 + i, "m", std::string(20 + i, 'p')).size());
  }
  for (std::size_t cut = kSegmentHeaderBytes; cut <= whole.size(); ++cut) {
    SCOPED_TRACE(cut);
    const Walked walked = WalkSegment(whole.substr(0, cut));
    std::size_t expected = 0;
    while (expected + 1 < ends.size() && ends[expected + 1] <= cut) ++expected;
    EXPECT_EQ(walked.seqs.size(), expected);
    EXPECT_EQ(walked.lost, ends[expected] == cut ? 0u : 1u);
  }
}

TEST(SegmentTest, EveryFlippedByteCostsItsRecordAlone) {
  const std::string whole = SegmentOf(4, true);
  const std::size_t first_end =
      kSegmentHeaderBytes + RecordBytes(10, "m", std::string(20, 'p')).size();
  const std::size_t second_content = first_end + kRecordHeaderBytes + 1 + 21;
  for (std::size_t at = first_end; at < second_content; ++at) {
    SCOPED_TRACE(at);
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    const Walked walked = WalkSegment(bytes);
    EXPECT_EQ(walked.seqs, (std::vector<std::uint64_t>{10, 12, 13}));
    EXPECT_EQ(walked.lost, 1u);
    EXPECT_TRUE(walked.footer);
  }
}

TEST(SegmentTest, AHoleOfManyRecordsIsCountedByTheirNumbers) {
  std::string bytes = SegmentOf(200);
  const std::size_t half = kSegmentHeaderBytes + RecordBytes(10, "m", std::string(20, 'p')).size();
  bytes.replace(half, 2000, std::string(2000, 'x'));
  const Walked walked = WalkSegment(bytes);
  EXPECT_EQ(walked.seqs.size() + walked.lost, 200u);
  EXPECT_EQ(walked.seqs.back(), 209u);
}

TEST(SegmentTest, ZerosBehindTheLastRecordAreNoDamage) {
  const Walked walked = WalkSegment(SegmentOf(2) + std::string(4096, '\0'));
  EXPECT_EQ(walked.seqs.size(), 2u);
  EXPECT_EQ(walked.lost, 0u);
}

TEST(SegmentTest, AnyBytesEnd) {
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = SegmentOf(6, true);
    for (int i = 0; i < 20; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const Walked walked = WalkSegment(bytes.substr(0, random() % (bytes.size() + 1)));
    EXPECT_LE(walked.seqs.size(), 6u);
  }
}

TEST(SegmentTest, ADamagedAcknowledgementIsLeftOut) {
  std::string bytes;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    const auto entry = Encode(AckEntry{seq, 5});
    bytes.append(entry.data(), entry.size());
  }
  bytes[16] ^= 1;
  const auto entries = DecodeAcks(bytes + "tail");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].seq, 1u);
  EXPECT_EQ(entries[1].seq, 3u);
}

}  // namespace
}  // namespace wirespan::queue
