#include "agent/protocol/hpack/decoder.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/protocol/hpack/oracle.h"

namespace wirespan::hpack {
namespace {

using protocol::ParseStatus;
using testing::Collector;
using testing::Encoder;
using testing::Header;
using testing::Headers;

std::string Hex(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

Headers DecodeAll(Decoder& decoder, std::string_view block) {
  Scratch scratch;
  Collector collector;
  decoder.BeginBlock();
  const auto result = decoder.Decode(block, scratch, collector);
  EXPECT_EQ(result.status, ParseStatus::kComplete);
  EXPECT_EQ(result.consumed, block.size());
  return collector.headers();
}

ParseStatus StatusOf(std::string_view block, bool from_start = true) {
  Decoder decoder({}, from_start, Keep::kAll);
  Scratch scratch;
  Collector collector;
  return decoder.Decode(block, scratch, collector).status;
}

// RFC 7541, C.4: three requests on one connection, Huffman coded.
TEST(HpackDecoderTest, DecodesTheRequestsOfTheRfc) {
  Decoder decoder({}, true, Keep::kAll);
  EXPECT_EQ(DecodeAll(decoder, Hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")),
            (Headers{{":method", "GET"},
                     {":scheme", "http"},
                     {":path", "/"},
                     {":authority", "www.example.com"}}));
  EXPECT_EQ(DecodeAll(decoder, Hex("828684be5886a8eb10649cbf")),
            (Headers{{":method", "GET"},
                     {":scheme", "http"},
                     {":path", "/"},
                     {":authority", "www.example.com"},
                     {"cache-control", "no-cache"}}));
  EXPECT_EQ(DecodeAll(decoder, Hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")),
            (Headers{{":method", "GET"},
                     {":scheme", "https"},
                     {":path", "/index.html"},
                     {":authority", "www.example.com"},
                     {"custom-key", "custom-value"}}));
  EXPECT_EQ(decoder.table().size(), 3u);
}

// RFC 7541, C.2.3 and C.2.2.
TEST(HpackDecoderTest, TellsNeverIndexedAndAddsNothing) {
  Decoder decoder({}, true, Keep::kAll);
  Scratch scratch;
  Collector collector;
  ASSERT_EQ(decoder.Decode(Hex("100870617373776f726406736563726574"), scratch, collector).status,
            ParseStatus::kComplete);
  ASSERT_EQ(decoder.Decode(Hex("040c2f73616d706c652f70617468"), scratch, collector).status,
            ParseStatus::kComplete);
  ASSERT_EQ(collector.fields.size(), 2u);
  EXPECT_EQ(collector.fields[0].value, "secret");
  EXPECT_TRUE(collector.fields[0].never_indexed);
  EXPECT_EQ(collector.fields[1].value, "/sample/path");
  EXPECT_FALSE(collector.fields[1].never_indexed);
  EXPECT_EQ(decoder.table().size(), 0u);
}

TEST(HpackDecoderTest, AsksForMoreAtEveryCutAndGoesOnFromThere) {
  Encoder encoder;
  const Headers headers{{":method", "GET"},
                        {":path", "/a/long/path?with=query"},
                        {"x-custom-header", std::string(200, 'x')},
                        {"authorization", "secret", true}};
  const std::string block = encoder.Encode(headers);
  for (std::size_t cut = 0; cut <= block.size(); ++cut) {
    SCOPED_TRACE(cut);
    Decoder decoder({}, true, Keep::kAll);
    Scratch scratch;
    Collector collector;
    const auto first = decoder.Decode(std::string_view(block).substr(0, cut), scratch, collector);
    EXPECT_EQ(first.status,
              first.consumed == cut ? ParseStatus::kComplete : ParseStatus::kNeedMore);
    const auto rest =
        decoder.Decode(std::string_view(block).substr(first.consumed), scratch, collector);
    EXPECT_EQ(rest.status, ParseStatus::kComplete);
    EXPECT_EQ(collector.headers(), headers);
  }
}

TEST(HpackDecoderTest, RefusesWhatIsNotHpack) {
  EXPECT_EQ(StatusOf(Hex("80")), ParseStatus::kInvalid);                // index 0
  EXPECT_EQ(StatusOf(Hex("ffffffffff0f")), ParseStatus::kInvalid);      // an index beyond any table
  EXPECT_EQ(StatusOf(Hex("ffffffffffff01")), ParseStatus::kInvalid);    // more than 32 bits
  EXPECT_EQ(StatusOf(Hex("ff80808080808000")), ParseStatus::kInvalid);  // zeros without end
  EXPECT_EQ(StatusOf(Hex("8220")), ParseStatus::kInvalid);            // a table size after a header
  EXPECT_EQ(StatusOf(Hex("000161817e")), ParseStatus::kInvalid);      // bad Huffman code
  EXPECT_EQ(StatusOf(Hex("00017fffffff7f")), ParseStatus::kInvalid);  // a value of 256 MiB
}

TEST(HpackDecoderTest, AcceptsTableSizesBeforeTheFirstHeaderOnly) {
  Decoder decoder({}, true, Keep::kAll);
  EXPECT_EQ(DecodeAll(decoder, Hex("203f61"
                                   "82")),
            (Headers{{":method", "GET"}}));
  EXPECT_EQ(decoder.table().bound_bytes(), 128u);
  EXPECT_EQ(DecodeAll(decoder, Hex("3fe11f"
                                   "82")),
            (Headers{{":method", "GET"}}));
  EXPECT_EQ(decoder.table().bound_bytes(), 4096u);
}

TEST(HpackDecoderTest, KeepsItsOwnBoundWhateverTheEncoderAnnounces) {
  Decoder decoder({.max_table_bytes = 1000}, true, Keep::kAll);
  EXPECT_EQ(DecodeAll(decoder, Hex("3fe1ffff7f"
                                   "82")),
            (Headers{{":method", "GET"}}));
  EXPECT_EQ(decoder.table().bound_bytes(), 1000u);
  for (int i = 0; i < 10000; ++i) {
    DecodeAll(decoder, Hex("4001610162"));
    ASSERT_LE(decoder.table().bytes(), 1000u);
  }
}

// SETTINGS_HEADER_TABLE_SIZE: what an encoder may use without saying so in a block.
TEST(HpackDecoderTest, KeepsAsMuchAsTheOtherEndAllows) {
  Decoder decoder({}, true, Keep::kAll);
  const Headers first{{"x-first", "1"}};
  DecodeAll(decoder, Hex("40"
                         "07782d6669727374"
                         "0131"));
  decoder.AllowTable(60'000);
  EXPECT_EQ(decoder.table().bound_bytes(), 60'000u);
  for (int i = 0; i < 500; ++i) DecodeAll(decoder, Hex("4001610162"));
  EXPECT_EQ(DecodeAll(decoder, Hex("ffb303")), first);  // 62 + 500: the oldest one
  decoder.AllowTable(100);  // allowed is not used: only a block can shrink it
  EXPECT_EQ(DecodeAll(decoder, Hex("ffb303")), first);
  decoder.AllowTable(SIZE_MAX);
  EXPECT_EQ(decoder.table().bound_bytes(), 64u << 10) << "but no more than our own bound";
}

TEST(HpackDecoderTest, KnowsNothingOfEntriesFromBeforeItCame) {
  Encoder encoder;
  encoder.Encode({{"x-old", "1"}, {"x-older", "2"}});
  Decoder decoder({}, false, Keep::kAll);
  EXPECT_EQ(DecodeAll(decoder, encoder.Encode({{"x-old", "1"}, {"x-new", "3"}})),
            (Headers{{"?", "?"}, {"x-new", "3"}}));
  // The index of the old one has moved by one, and the new one is right at once.
  EXPECT_EQ(DecodeAll(decoder, encoder.Encode({{"x-old", "1"}, {"x-new", "3"}})),
            (Headers{{"?", "?"}, {"x-new", "3"}}));
}

TEST(HpackDecoderTest, ANewEntryWithAnOldNameStaysUnknown) {
  Decoder decoder({}, false, Keep::kAll);
  EXPECT_EQ(DecodeAll(decoder, Hex("7e"
                                   "0131")),
            (Headers{{"?", "?"}}));  // name of 62, value "1"
  EXPECT_EQ(decoder.table().size(), 1u);
  EXPECT_EQ(DecodeAll(decoder, Hex("be")), (Headers{{"?", "?"}}));
}

// RFC 7541, 4.4: it empties the encoder's table and is not in it.
TEST(HpackDecoderTest, AnEntryLargerThanTheTableDoesNoHarm) {
  Encoder encoder(100);
  encoder.SetTableBytes(100);
  for (const bool from_start : {true, false}) {
    Decoder decoder({}, from_start, Keep::kAll);
    const Headers small{{"x-a", "1"}};
    const Headers large{{"x-b", std::string(300, 'b')}};
    const Headers other{{"x-c", "2"}};
    Encoder fresh(4096);
    fresh.SetTableBytes(100);
    EXPECT_EQ(DecodeAll(decoder, fresh.Encode(small)), small);
    EXPECT_EQ(DecodeAll(decoder, fresh.Encode(large)), large);
    EXPECT_EQ(DecodeAll(decoder, Hex("40"
                                     "03782d63"
                                     "0132")),
              other);
    EXPECT_EQ(DecodeAll(decoder, Hex("be")), other);
  }
}

TEST(HpackDecoderTest, ForgetsTheTableWhenHeaderBytesWereLost) {
  Encoder encoder;
  Decoder decoder({}, true, Keep::kAll);
  const Headers headers{{"x-a", "1"}};
  EXPECT_EQ(DecodeAll(decoder, encoder.Encode(headers)), headers);
  decoder.Lose();
  EXPECT_EQ(DecodeAll(decoder, encoder.Encode(headers)), (Headers{{"?", "?"}}));
}

TEST(HpackDecoderTest, TellsOnlyWantedNamesAndKeepsNoOtherText) {
  Encoder encoder;
  Decoder decoder({}, true);
  const Headers headers{{":path", "/x"}, {"cookie", "secret"}, {"x-a", "b"}, {"traceparent", "t"}};
  const Headers wanted{{":path", "/x"}, {"traceparent", "t"}};
  EXPECT_EQ(DecodeAll(decoder, encoder.Encode(headers)), wanted);
  EXPECT_EQ(DecodeAll(decoder, encoder.Encode(headers)), wanted);
  std::string copy;
  decoder.table().Serialize(copy);
  EXPECT_EQ(copy.find("secret"), std::string::npos);
}

TEST(HpackDecoderTest, GivesTheTableToItsSuccessor) {
  for (const Keep keep : {Keep::kWanted, Keep::kAll}) {
    Encoder encoder;
    Decoder decoder({}, true, keep);
    const Headers headers{{":path", "/pkg.Service/Method"}, {"user-agent", "x/1"}};
    EXPECT_EQ(DecodeAll(decoder, encoder.Encode(headers)), headers);
    std::string copy;
    decoder.table().Serialize(copy);
    auto table = DynamicTable::Restore(copy, 16384);
    ASSERT_TRUE(table);
    Decoder next({}, false, keep);
    next.Adopt(std::move(*table));
    EXPECT_EQ(DecodeAll(next, encoder.Encode(headers)), headers);
    for (std::size_t cut = 0; cut < copy.size(); ++cut) {
      EXPECT_FALSE(DynamicTable::Restore(std::string_view(copy).substr(0, cut), 16384)) << cut;
    }
    EXPECT_FALSE(DynamicTable::Restore(copy + "x", 16384));
  }
}

TEST(HpackDecoderTest, FindsEveryWantedNameAndNoOther) {
  for (int i = 1; i < kNames; ++i) {
    const auto name = static_cast<Name>(i);
    EXPECT_EQ(NameOf(TextOf(name)), name);
    EXPECT_EQ(NameOf(std::string(TextOf(name)) + "x"), Name::kOther);
  }
  EXPECT_EQ(NameOf(""), Name::kOther);
  EXPECT_EQ(NameOf("Host"), Name::kOther);
}

}  // namespace
}  // namespace wirespan::hpack
