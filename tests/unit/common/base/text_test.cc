#include "common/base/text.h"

#include <gtest/gtest.h>

#include <vector>

namespace wirespan {
namespace {

TEST(TextTest, OwnsWhatIsAssignedAndBorrowsWhatIsSaid) {
  std::string source = "hello";
  const Text owned = source;
  const Text borrowed = Text::Borrow(source);
  EXPECT_EQ(owned.heap_bytes(), 5u);
  EXPECT_EQ(borrowed.heap_bytes(), 0u);
  source[0] = 'j';
  EXPECT_EQ(owned, "hello");
  EXPECT_EQ(borrowed, "jello");
  EXPECT_EQ(borrowed.data(), source.data());
}

TEST(TextTest, CopiesOwnTheirBytesAndMovesKeepThem) {
  std::string source = "some text";
  Text borrowed = Text::Borrow(source);
  const Text copy = borrowed;
  Text moved = std::move(borrowed);
  EXPECT_EQ(moved.data(), source.data());
  EXPECT_TRUE(
      borrowed.empty());  // NOLINT(bugprone-use-after-move): the promise is that it is empty
  EXPECT_NE(copy.data(), source.data());
  EXPECT_EQ(copy, moved);
  moved = moved.view().substr(5);  // of itself
  EXPECT_EQ(moved, "text");
  Text& same = moved;
  moved = same;
  EXPECT_EQ(moved, "text");
}

TEST(TextTest, ReadsAsAStringView) {
  const Text text = std::string("a\0b", 3);
  EXPECT_EQ(text.size(), 3u);
  EXPECT_EQ(std::string_view(text).find('b'), 2u);
  EXPECT_EQ(text.str(), std::string("a\0b", 3));
  EXPECT_TRUE(Text("").empty());
  EXPECT_EQ(Text(), "");
}

TEST(TextBlockTest, HoldsSeveralTextsInOnePiece) {
  TextBlock block;
  block.Reserve(10);
  std::vector<Text> texts;
  texts.push_back(block.Add("12345"));
  texts.push_back(block.Add("67890"));
  texts.push_back(block.Add("x"));  // no room left
  EXPECT_EQ(texts[0].heap_bytes() + texts[1].heap_bytes(), 0u);
  EXPECT_EQ(texts[2].heap_bytes(), 1u);
  const TextBlock moved = std::move(block);
  EXPECT_EQ(texts[0], "12345");
  EXPECT_EQ(texts[1], "67890");
  EXPECT_EQ(moved.heap_bytes(), 10u);
  EXPECT_EQ(block.heap_bytes(),
            0u);  // NOLINT(bugprone-use-after-move): the promise is that it is empty
  EXPECT_EQ(block.Add("y"), "y");
}

TEST(TextBlockTest, IsEmptyInACopy) {
  TextBlock block;
  block.Reserve(4);
  const Text text = block.Add("abcd");
  const TextBlock copy = block;
  EXPECT_EQ(copy.heap_bytes(), 0u);
  EXPECT_EQ(text, "abcd");
}

}  // namespace
}  // namespace wirespan
