#include "common/kube/object_stream.h"

#include <gtest/gtest.h>

namespace wirespan::kube {
namespace {

// "path[item].key=value" of every field.
std::string Text(const Object& object) {
  std::string out;
  for (const Field& field : object.fields) {
    out += std::to_string(field.path) + "[" + std::to_string(field.item) + "]" + field.key + "=" +
           field.value + (field.cut ? "~" : "") + " ";
  }
  return out;
}

struct Read {
  std::vector<std::string> objects{};
  std::string head{};
  bool whole = false;
};

Read ReadAll(const Projection& projection, std::string_view each, std::string_view text,
             std::size_t piece) {
  Read read;
  ObjectStream stream(projection, each, [&](Object& object) {
    read.objects.push_back(Text(object));
    return true;
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!stream.Feed(text.substr(at, piece))) break;
  }
  read.head = Text(stream.head());
  read.whole = stream.whole();
  return read;
}

TEST(ObjectStreamTest, KeepsWhatIsWantedOfEachObjectOfAList) {
  Projection projection;
  projection.Add("items[].name");
  projection.Add("items[].labels.*");
  projection.Add("items[].parts[].id");
  projection.Add("version");
  const std::string text = R"({
    "version": "7", "other": {"version": "no", "items": [{"name": "no"}]},
    "items": [
      {"name": "a", "labels": {"x.y/z": "1", "w": "2"}, "parts": [{"id": "p"}, {}, {"id": "q"}]},
      3,
      {"unwanted": [[{"name": "no"}]], "name": null, "labels": [1], "parts": {"id": "no"}}
    ], "name": "no"})";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()}) {
    const Read read = ReadAll(projection, "items[]", text, piece);
    ASSERT_EQ(read.objects.size(), 2u);
    EXPECT_EQ(read.objects[0], "0[0]=a 1[0]x.y/z=1 1[0]w=2 2[0]=p 2[2]=q ");
    EXPECT_EQ(read.objects[1], "0[2]= ");
    EXPECT_EQ(read.head, "3[0]=7 ");
    EXPECT_TRUE(read.whole);
  }
}

TEST(ObjectStreamTest, ReadsOneObjectAfterTheOther) {
  Projection projection;
  projection.Add("type");
  projection.Add("object.name");
  const Read read = ReadAll(projection, "",
                            "{\"object\":{\"name\":\"a\"},\"type\":\"ADDED\"}\n"
                            "{\"type\":\"MODIFIED\"}{\"type\":\"CUT",
                            3);
  ASSERT_EQ(read.objects.size(), 2u);
  EXPECT_EQ(read.objects[0], "1[0]=a 0[0]=ADDED ");
  EXPECT_EQ(read.objects[1], "0[0]=MODIFIED ");
  EXPECT_FALSE(read.whole);
}

TEST(ObjectStreamTest, StopsWhereItIsTold) {
  Projection projection;
  projection.Add("a");
  int seen = 0;
  ObjectStream stream(projection, "", [&](Object&) { return ++seen < 2; });
  EXPECT_FALSE(stream.Feed("{}{}{}{}"));
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(stream.stopped());
  EXPECT_FALSE(stream.Feed("{}"));
  EXPECT_EQ(seen, 2);
}

TEST(ObjectStreamTest, BoundsOneObject) {
  Projection projection;
  projection.Add("labels.*");
  std::string text = "{\"labels\":{\"k\":\"v\"";
  for (int i = 0; i < 10000; ++i) text += ",\"k" + std::to_string(i) + "\":\"v\"";
  text += "}}{\"labels\":{\"one\":\"1\"}}";
  std::vector<Object> objects;
  ObjectStream stream(projection, "", [&](Object& object) {
    objects.push_back(object);
    return true;
  });
  ASSERT_TRUE(stream.Feed(text));
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_TRUE(objects[0].cut);
  EXPECT_EQ(objects[0].fields.size(), Object::kMaxFields);
  EXPECT_FALSE(objects[1].cut);
  EXPECT_EQ(objects[1].fields.size(), 1u);

  const std::string big(JsonScanner::kMaxTextBytes, 'x');
  text = "{\"labels\":{\"k\":\"v\"";
  for (int i = 0; i < 1000; ++i) text += ",\"k" + std::to_string(i) + "\":\"" + big + "\"";
  objects.clear();
  ASSERT_TRUE(stream.Feed(text + "}}"));
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_TRUE(objects[0].cut);
  EXPECT_LE(objects[0].bytes, Object::kMaxBytes);
}

}  // namespace
}  // namespace wirespan::kube
