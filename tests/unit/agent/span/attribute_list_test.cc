#include "agent/span/attribute_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace wirespan::span {
namespace {

TEST(AttributeListTest, KeepsWhatIsAddedInOrder) {
  AttributeList list = {{"a", "text"}, {"b", std::int64_t{7}}, {"c", true}, {"d", 0.5}};
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].value.text(), "text");
  EXPECT_FALSE(list[0].value.utf8());
  EXPECT_EQ(list[1].value.number(), 7);
  EXPECT_EQ(list[2].value.truth(), true);
  EXPECT_EQ(list[3].value.real(), 0.5);
  EXPECT_FALSE(list[3].value.text().has_value());
}

TEST(AttributeListTest, CopiesNothingThatAnEarlierSpanLeft) {
  AttributeList list;
  auto gone = std::make_unique<std::string>("a text that needs memory of its own");
  list.AddUtf8("first", Text::Borrow(*gone));
  list.AddUtf8("second", Text::Borrow(*gone));
  gone.reset();
  list.Clear();
  list.AddNumber("first", 1);  // in the place of a text that is gone
  const AttributeList copy = list;
  ASSERT_EQ(copy.size(), 1u);
  EXPECT_EQ(copy[0].value.number(), 1);
}

TEST(AttributeListTest, ACopyOwnsItsText) {
  std::string text = "borrowed";
  AttributeList list;
  list.AddUtf8("key", Text::Borrow(text));
  const AttributeList copy = list;
  text = "overwritten";
  EXPECT_EQ(copy[0].value.text(), "borrowed");
  EXPECT_TRUE(copy[0].value.utf8());
}

}  // namespace
}  // namespace wirespan::span
