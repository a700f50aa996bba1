#include "common/otlp/wire.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace wirespan::otlp {
namespace {

std::vector<Field> ReadAll(std::string_view message, bool* ok = nullptr) {
  std::vector<Field> fields;
  Reader reader(message);
  for (Field field; reader.Next(field);) fields.push_back(field);
  if (ok != nullptr) *ok = reader.ok();
  return fields;
}

std::string Sample() {
  std::string message;
  AppendVarintField(message, 1, 300);
  AppendFixed64Field(message, 2, 0x0102030405060708);
  AppendBytesField(message, 3, "hello");
  AppendTag(message, 1000, WireType::kFixed32);
  message.append("\x01\x00\x00\x00", 4);
  AppendDoubleField(message, 5, 2.5);
  return message;
}

TEST(WireTest, ReadsWhatWasWritten) {
  const std::string message = Sample();
  bool ok = false;
  const auto fields = ReadAll(message, &ok);
  ASSERT_TRUE(ok);
  ASSERT_EQ(fields.size(), 5u);
  EXPECT_EQ(fields[0].value, 300u);
  EXPECT_EQ(fields[1].value, 0x0102030405060708u);
  EXPECT_TRUE(fields[2].Is(3, WireType::kBytes));
  EXPECT_EQ(fields[2].bytes, "hello");
  EXPECT_EQ(fields[3].number, 1000u);
  EXPECT_EQ(fields[3].value, 1u);
  EXPECT_EQ(fields[4].AsDouble(), 2.5);
  std::string joined;
  for (const Field& field : fields) joined.append(field.encoded);
  EXPECT_EQ(joined, message);
}

TEST(WireTest, RefusesEveryCutInsideAField) {
  const std::string message = Sample();
  std::vector<std::size_t> ends{0};
  for (const Field& field : ReadAll(message)) ends.push_back(ends.back() + field.encoded.size());
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    SCOPED_TRACE(cut);
    bool ok = false;
    ReadAll(std::string_view(message).substr(0, cut), &ok);
    EXPECT_EQ(ok, std::find(ends.begin(), ends.end(), cut) != ends.end());
  }
}

TEST(WireTest, RefusesMalformedTagsLengthsAndVarints) {
  const std::vector<std::string> bad = {
      std::string("\x00\x01", 2),                                       // field number 0
      std::string("\x0c", 1),                                           // end group without a start
      std::string("\x0e\x01", 2),                                       // wire type 6
      std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),  // length near 2^64
      std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12),  // varint of 11 bytes
      std::string("\xf8\xff\xff\xff\xff\xff\x01\x00", 8),  // field number beyond 2^29
  };
  for (const std::string& message : bad) {
    bool ok = true;
    EXPECT_TRUE(ReadAll(message, &ok).empty());
    EXPECT_FALSE(ok);
  }
}

TEST(WireTest, SkipsGroupsWholeAndBoundsTheirDepth) {
  const std::string group = "\x0b\x10\x05\x1b\x1c\x0c";  // group 1 { 2: 5, group 3 {} }
  bool ok = false;
  const std::string message = group + "\x10\x07";
  const auto fields = ReadAll(message, &ok);
  ASSERT_TRUE(ok);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].type, WireType::kGroup);
  EXPECT_EQ(fields[0].encoded, group);
  EXPECT_EQ(fields[1].value, 7u);
  ReadAll(std::string(100000, '\x0b'), &ok);
  EXPECT_FALSE(ok);
  ReadAll("\x0b\x14", &ok);  // ended by another number
  EXPECT_FALSE(ok);
}

TEST(WireTest, VarintSizesMatchWhatIsWritten) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit}) {
      std::string out;
      AppendVarint(out, value);
      EXPECT_EQ(out.size(), VarintSize(value)) << value;
      std::string_view in = out;
      std::uint64_t back = 0;
      EXPECT_TRUE(ReadVarint(in, back));
      EXPECT_EQ(back, value);
    }
  }
  EXPECT_EQ(VarintSize(std::numeric_limits<std::uint64_t>::max()), 10u);
}

TEST(WireTest, WriterNestsWithTheShortestLengthWhateverWasExpected) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 16383u, 16384u, 70000u}) {
    for (const std::size_t expected : {0u, 128u, 16384u}) {
      SCOPED_TRACE(testing::Message() << size << " expected " << expected);
      const std::string payload(size, 'x');
      Writer writer;
      writer.Varint(9, 1);
      const auto outer = writer.Begin(1, expected);
      const auto inner = writer.Begin(2, expected);
      writer.Bytes(3, payload);
      writer.End(inner);
      writer.End(outer);
      writer.Varint(9, 2);

      std::string inner_bytes, middle, want;
      AppendBytesField(inner_bytes, 3, payload);
      AppendBytesField(middle, 2, inner_bytes);
      AppendVarintField(want, 9, 1);
      AppendBytesField(want, 1, middle);
      AppendVarintField(want, 9, 2);
      EXPECT_EQ(writer.view(), want);
      EXPECT_EQ(writer.Take(), want);
      EXPECT_TRUE(writer.empty());
    }
  }
}

}  // namespace
}  // namespace wirespan::otlp
