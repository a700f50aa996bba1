// Against an independent encoder, with random headers and table sizes.
#include <gtest/gtest.h>
// rapidcheck wants gtest before it
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>

#include "agent/protocol/hpack/decoder.h"
#include "bpf/lib/infer/fields.h"
#include "tests/unit/agent/protocol/hpack/oracle.h"

namespace wirespan::hpack {
namespace {

using protocol::ParseStatus;
using testing::Collector;
using testing::Encoder;
using testing::Header;
using testing::Headers;
using testing::OracleDecoder;

// Few names and values, so that the table is used; some values so long that they push others out.
rc::Gen<Header> AnyHeader() {
  return rc::gen::exec([] {
    static const std::vector<std::string> names = {
        ":method", ":path",  ":status",     "x-a",         "x-b",         "x-much-longer-name",
        "cookie",  "accept", "grpc-status", "traceparent", "content-type"};
    Header header;
    header.name = *rc::gen::elementOf(names);
    header.value = *rc::gen::oneOf(
        rc::gen::elementOf(std::vector<std::string>{"", "1", "GET", "/", "/a/b", "200"}),
        rc::gen::map(rc::gen::inRange(0, 1500),
                     [](int n) { return std::string(static_cast<std::size_t>(n), 'v'); }),
        rc::gen::string<std::string>());
    header.sensitive = *rc::gen::weightedElement<bool>({{9, false}, {1, true}});
    return header;
  });
}

struct Block {
  Headers headers{};
  std::string bytes{};
};

std::vector<Block> AnyBlocks(int max) {
  Encoder encoder(1u << 16);
  std::vector<Block> blocks;
  const int n = *rc::gen::inRange(1, max);
  for (int i = 0; i < n; ++i) {
    if (*rc::gen::weightedElement<bool>({{4, false}, {1, true}})) {
      encoder.SetTableBytes(
          *rc::gen::elementOf(std::vector<std::size_t>{0, 40, 100, 500, 4096, 16384, 65536}));
    }
    Block block;
    const int count = *rc::gen::inRange(0, 12);
    for (int k = 0; k < count; ++k) block.headers.push_back(*AnyHeader());
    block.bytes = encoder.Encode(block.headers);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

void Feed(Decoder& decoder, std::string_view bytes, Collector& collector) {
  Scratch scratch;
  decoder.BeginBlock();
  std::string held;
  while (!bytes.empty()) {
    const std::size_t n =
        static_cast<std::size_t>(*rc::gen::inRange<std::size_t>(1, bytes.size() + 1));
    held += bytes.substr(0, n);
    bytes.remove_prefix(n);
    const auto result = decoder.Decode(held, scratch, collector);
    RC_ASSERT(result.status != ParseStatus::kInvalid);
    held.erase(0, result.consumed);
  }
  RC_ASSERT(held.empty());
}

RC_GTEST_PROP(HpackPropertyTest, DecodesWhatTheOracleEncodesInAnyParts, ()) {
  Decoder decoder({}, true, Keep::kAll);
  for (const Block& block : AnyBlocks(20)) {
    Collector collector;
    Feed(decoder, block.bytes, collector);
    RC_ASSERT(collector.headers() == block.headers);
  }
}

RC_GTEST_PROP(HpackPropertyTest, IsNeverWrongAfterJoiningLateOrLosingBlocks, ()) {
  const std::vector<Block> blocks = AnyBlocks(40);
  const auto joined = *rc::gen::inRange<std::size_t>(0, blocks.size());
  const bool all = *rc::gen::arbitrary<bool>();
  Decoder decoder({}, joined == 0, all ? Keep::kAll : Keep::kWanted);
  for (std::size_t i = joined; i < blocks.size(); ++i) {
    if (*rc::gen::weightedElement<bool>({{7, false}, {1, true}})) {
      decoder.Lose();
      continue;
    }
    if (*rc::gen::weightedElement<bool>({{7, false}, {1, true}})) {  // a restart
      std::string copy;
      decoder.table().Serialize(copy);
      auto table = DynamicTable::Restore(copy, 1u << 16);
      RC_ASSERT(table.has_value());
      decoder = Decoder({}, false, all ? Keep::kAll : Keep::kWanted);
      decoder.Adopt(std::move(*table));
    }
    Collector collector;
    Feed(decoder, blocks[i].bytes, collector);
    const Headers& truth = blocks[i].headers;
    if (all) {
      RC_ASSERT(collector.fields.size() == truth.size());
      for (std::size_t k = 0; k < truth.size(); ++k) {
        RC_ASSERT(collector.fields[k].Agrees(truth[k]));
      }
      continue;
    }
    // What is told is a subsequence of the truth.
    std::size_t at = 0;
    for (const testing::Seen& seen : collector.fields) {
      while (at < truth.size() && (!seen.Agrees(truth[at]) ||
                                   (seen.name_known && NameOf(truth[at].name) == Name::kOther))) {
        ++at;
      }
      RC_ASSERT(at < truth.size());
      ++at;
    }
  }
}

// How many entries a block adds, as the kernel counts them; nothing where it can't.
std::optional<std::uint32_t> AddedBy(const std::string& block) {
  std::vector<__u8> window(2 * WS_WINDOW + 32, 0xff);  // stale octets must not decide
  if (block.size() > WS_WINDOW) return std::nullopt;
  std::ranges::copy(block, window.begin());
  ws_fields fields{};
  ws_fields_begin(&fields, window.data(), 0, static_cast<__u32>(block.size()), 1, 4);
  for (int i = 0; i < WS_FIELDS; ++i) {
    if (ws_field_indexed(&fields, window.data()) == 0 && ws_field(&fields, window.data()) == 0)
      break;
  }
  return ws_fields_whole(&fields) ? std::optional(fields.added) : std::nullopt;
}

// What was added before a loss stays known where it is known how much was missed.
RC_GTEST_PROP(HpackPropertyTest, KnowsItsTableAfterCountedBlocksWereMissed, ()) {
  Decoder decoder({}, true, Keep::kAll);
  Decoder whole({}, true, Keep::kAll);
  bool lost = false;
  for (const Block& block : AnyBlocks(40)) {
    const std::uint64_t before = whole.table().added();
    Collector truth;
    Feed(whole, block.bytes, truth);
    const auto added = AddedBy(block.bytes);
    if (added) RC_ASSERT(*added == whole.table().added() - before);
    if (!block.bytes.empty() && block.bytes.size() <= WS_WINDOW) RC_ASSERT(added.has_value());
    if (added && *rc::gen::weightedElement<bool>({{3, false}, {1, true}})) {
      decoder.Miss(*added);
      lost = true;
      continue;
    }
    Collector collector;
    Feed(decoder, block.bytes, collector);
    RC_ASSERT(collector.fields.size() == block.headers.size());
    for (std::size_t k = 0; k < block.headers.size(); ++k) {
      RC_ASSERT(collector.fields[k].Agrees(block.headers[k]));
      if (!lost) RC_ASSERT(collector.fields[k].value_known && collector.fields[k].name_known);
    }
  }
}

// The entries that a block names after such a loss: none of them is one that was missed.
TEST(HpackMissedTest, EntriesFromBeforeALossAreNamedByTheirPlace) {
  Encoder encoder(4096);
  Decoder decoder({}, true, Keep::kAll);
  const auto see = [&](const std::string& block) {
    Scratch scratch;
    Collector collector;
    decoder.BeginBlock();
    EXPECT_EQ(decoder.Decode(block, scratch, collector).status, ParseStatus::kComplete);
    return collector.headers();
  };
  const Headers call = {{":path", "/shop.Cart/Add"}, {"x-tenant", "seven"}};
  EXPECT_EQ(see(encoder.Encode(call)), call);
  std::size_t missed = 0;
  for (int i = 0; i < 20; ++i) {
    const auto added = AddedBy(encoder.Encode({{"grpc-timeout", std::to_string(9000 - i) + "u"}}));
    ASSERT_TRUE(added);
    EXPECT_EQ(*added, 1u);
    missed += *added;
  }
  decoder.Miss(missed);
  EXPECT_EQ(see(encoder.Encode(call)), call);
  EXPECT_EQ(see(encoder.Encode({{"grpc-timeout", "9000u"}})), (Headers{{"?", "?"}}));
}

// After the loss, everything that was added since is known.
RC_GTEST_PROP(HpackPropertyTest, HealsWithNewEntries, ()) {
  Encoder encoder;
  for (const Block& block : AnyBlocks(5)) encoder.Encode(block.headers);
  Decoder decoder({}, false, Keep::kAll);
  const Headers fresh{{":path", "/fresh"}, {"x-fresh", "1"}};
  for (int i = 0; i < 3; ++i) {
    Collector collector;
    Feed(decoder, encoder.Encode(fresh), collector);
    RC_ASSERT(collector.headers() == fresh);
  }
}

// Any octets as a coded text: the oracle and we read the same, or both refuse.
RC_GTEST_PROP(HpackPropertyTest, ReadsAnyHuffmanTextAsTheOracleDoes, ()) {
  auto octets = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::just('\xff')));
  octets.resize(std::min<std::size_t>(octets.size(), 120));
  const std::string block =
      std::string("\x10\x01x", 3) + static_cast<char>(0x80 | octets.size()) + octets;
  OracleDecoder oracle;
  const auto expected = oracle.Decode(block);
  Decoder decoder({}, true, Keep::kAll);
  Scratch scratch;
  Collector collector;
  const auto result = decoder.Decode(block, scratch, collector);
  RC_ASSERT((result.status == ParseStatus::kComplete) == expected.has_value());
  if (expected) RC_ASSERT(collector.headers() == *expected);
}

}  // namespace
}  // namespace wirespan::hpack
