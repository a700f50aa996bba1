// A block as a file: what was written is found, and damage costs no more than what it hit.
#include <gtest/gtest.h>

#include <set>

#include "gateway/sink/store/block_reader.h"
#include "gateway/sink/store/block_writer.h"
#include "gateway/sink/store/query.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::store {
namespace {

using queue::testing::UnsyncedFolder;
using testing::TestSpan;

constexpr std::uint64_t kNumber = 5;

std::vector<TestSpan> SomeSpans(std::size_t count) {
  std::vector<TestSpan> spans;
  for (std::uint64_t i = 1; i <= count; ++i) {
    spans.push_back({.trace = i / 3,
                     .id = i,
                     .parent = i % 3 == 0 ? 0 : i / 3 * 3,
                     .service = i % 3 == 0 ? "front" : "back",
                     .name = "op" + std::to_string(i % 5),
                     .start_ns = testing::kStartNs + i * 1000,
                     .texts = {{"number", std::to_string(i)}}});
  }
  return spans;
}

std::string BlockOf(const std::vector<TestSpan>& spans, std::size_t page_spans) {
  const auto folder = std::make_shared<UnsyncedFolder>();
  auto disk = folder->Mount();
  Memtable table(kNumber);
  table.Insert(ReadRows(testing::Request(spans)), 123);
  auto file = disk->Create("b").value();
  const StoreOptions options{.page_spans = page_spans};
  const auto written = WriteBlock(table, options, *file, [](std::uint64_t) { return Result<>(); });
  EXPECT_TRUE(written);
  const std::string bytes = folder->files["b"]->content;
  EXPECT_EQ(written.value_or(0), bytes.size());
  return bytes;
}

struct Opened {
  std::shared_ptr<UnsyncedFolder> folder = std::make_shared<UnsyncedFolder>();
  std::unique_ptr<queue::Disk> disk = folder->Mount();
  DamageBook damage{};
  Result<std::shared_ptr<BlockReader>> reader;

  explicit Opened(const std::string& bytes) : reader(Open(bytes)) {}
  Result<std::shared_ptr<BlockReader>> Open(const std::string& bytes) {
    folder->files["b"] = std::make_shared<UnsyncedFolder::File>();
    folder->files["b"]->content = bytes;
    return BlockReader::Open(disk->Open("b").value(), kNumber, damage);
  }
};

// The ids of the spans of a trace that are found through the index.
std::set<std::uint64_t> Find(const BlockReader& reader, std::uint64_t trace) {
  std::set<std::uint64_t> found;
  otlp::Decompressor decompressor;
  std::string plain;
  const Term term = TraceTerm({7, trace});
  for (const std::uint32_t page : reader.PagesWith(std::span(&term, 1))) {
    if (!reader.Payload(page, decompressor, plain)) continue;
    ForEachSpanIn(plain, [&](const SpanPlace&, const SpanRow& row) {
      if (row.key.trace == TraceId{7, trace}) found.insert(row.key.span);
      return true;
    });
  }
  return found;
}

TEST(BlockTest, EverySpanIsFoundByItsTraceByteForByte) {
  const auto spans = SomeSpans(300);
  Opened opened(BlockOf(spans, 16));
  ASSERT_TRUE(opened.reader) << opened.reader.error().message;
  const BlockReader& reader = **opened.reader;
  EXPECT_EQ(reader.info().spans, spans.size());
  EXPECT_GT(reader.page_count(), 10u);
  EXPECT_EQ(reader.info().min_start_ns, testing::kStartNs + 1000);
  EXPECT_EQ(reader.info().max_start_ns, testing::kStartNs + 300 * 1000);
  EXPECT_EQ(reader.info().last_received_ns, 123u);
  std::set<std::string> bytes;
  otlp::Decompressor decompressor;
  std::string plain;
  for (std::uint32_t page = 0; page < reader.page_count(); ++page) {
    ASSERT_TRUE(reader.Payload(page, decompressor, plain));
    const auto columns = reader.Columns(page);
    ASSERT_TRUE(columns);
    std::size_t row_number = 0;
    ForEachSpanIn(plain, [&](const SpanPlace& place, const SpanRow& row) {
      bytes.emplace(row.span);
      const ColumnRow& column = columns->at(row_number++);
      EXPECT_EQ(column.start_ns, row.start_ns);
      EXPECT_EQ(column.duration_ns, row.duration_ns);
      EXPECT_EQ(column.operation, OperationTerm(place.service, row.name));
      return true;
    });
    EXPECT_EQ(row_number, columns->size());
  }
  std::set<std::string> expected;
  for (const TestSpan& span : spans) expected.insert(testing::SpanBytes(span));
  EXPECT_EQ(bytes, expected);
  for (const TestSpan& span : spans) EXPECT_TRUE(Find(reader, span.trace).contains(span.id));
  const auto filter = reader.ReadFilter();
  ASSERT_TRUE(filter);
  for (const TestSpan& span : spans) EXPECT_TRUE(filter->MayHold(TraceTerm({7, span.trace})));
  EXPECT_FALSE(filter->MayHold(TraceTerm({7, 1000})) && filter->MayHold(TraceTerm({7, 1001})));
}

TEST(BlockTest, NamesAndCallsAreThereAlsoWithoutTheirParts) {
  const std::string bytes = BlockOf(SomeSpans(30), 8);
  Opened whole(bytes);
  ASSERT_TRUE(whole.reader);
  const Names names = (*whole.reader)->ReadNames();
  const Edges edges = (*whole.reader)->ReadEdges();
  EXPECT_EQ(names.size(), 2u);
  std::uint64_t calls = 0;
  for (const auto& [edge, count] : edges) {
    EXPECT_EQ(edge.parent + ">" + edge.child, "front>back");
    calls += count;
  }
  EXPECT_EQ(calls, 18u);  // two of each whole trace; the first one lacks its parent
  std::string damaged = bytes;
  damaged[damaged.size() - kBlockFooterBytes / 2] ^= 1;
  Opened without(damaged);
  ASSERT_TRUE(without.reader);
  EXPECT_EQ((*without.reader)->ReadNames(), names);
  EXPECT_EQ((*without.reader)->ReadEdges(), edges);
}

TEST(BlockTest, AFlippedByteCostsAtMostThePageThatItIsIn) {
  const auto spans = SomeSpans(18);
  const std::string sound = BlockOf(spans, 4);
  for (std::size_t at = 0; at < sound.size(); ++at) {
    SCOPED_TRACE(at);
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    Opened opened(damaged);
    ASSERT_TRUE(opened.reader) << opened.reader.error().message;
    std::set<std::uint64_t> found;
    for (const TestSpan& span : spans) {
      for (const std::uint64_t id : Find(**opened.reader, span.trace)) found.insert(id);
    }
    EXPECT_GE(found.size(), spans.size() - 8);
    // What is missing is counted, or stands in a page whose own header is damaged.
    const auto counts = opened.damage.counts();
    if (found.size() < spans.size()) {
      EXPECT_GT(counts.pages + counts.indexes, 0u);
    }
    (void)(*opened.reader)->ReadNames();
    (void)(*opened.reader)->ReadEdges();
    if (const auto filter = (*opened.reader)->ReadFilter()) {
      for (const TestSpan& span : spans) EXPECT_TRUE(filter->MayHold(TraceTerm({7, span.trace})));
    }
    for (std::uint32_t page = 0; page < (*opened.reader)->page_count(); ++page) {
      (void)(*opened.reader)->Columns(page);
    }
  }
}

TEST(BlockTest, ACutFileIsReadAsFarAsItGoes) {
  const auto spans = SomeSpans(18);
  const std::string sound = BlockOf(spans, 4);
  std::size_t most = 0;
  for (std::size_t cut = 0; cut < sound.size(); ++cut) {
    SCOPED_TRACE(cut);
    Opened opened(sound.substr(0, cut));
    EXPECT_FALSE(BlockReader::Complete(*opened.disk->Open("b").value()));
    if (!opened.reader) {
      EXPECT_EQ(opened.reader.error().code, ErrorCode::kInvalidArgument);
      continue;
    }
    std::set<std::uint64_t> found;
    for (const TestSpan& span : spans) {
      for (const std::uint64_t id : Find(**opened.reader, span.trace)) found.insert(id);
    }
    EXPECT_GE(found.size(), most);
    most = std::max(most, found.size());
  }
  EXPECT_EQ(most, spans.size());
}

TEST(BlockTest, ANewerVersionIsRefused) {
  std::string bytes = BlockOf(SomeSpans(5), 6);
  const std::string header = EncodeBlockHeader({.version = kBlockVersion + 1, .number = kNumber});
  bytes.replace(0, header.size(), header);
  Opened opened(bytes);
  ASSERT_FALSE(opened.reader);
  EXPECT_EQ(opened.reader.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace wirespan::gateway::store
