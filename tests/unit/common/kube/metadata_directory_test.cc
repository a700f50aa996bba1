#include "common/kube/metadata_directory.h"

#include <gtest/gtest.h>

#include "common/kube/object_stream.h"
#include "tests/support/fake_clock.h"

namespace wirespan::kube {
namespace {

class MetadataDirectoryTest : public ::testing::Test {
 protected:
  MetadataDirectoryTest() {
    for (const std::string& field : MetadataFields()) projection_.Add(field);
  }
  Object Parse(const std::string& json) {
    Object out;
    ObjectStream stream(projection_, "", [&](Object& object) {
      out = object;
      return true;
    });
    EXPECT_TRUE(stream.Feed(json) && stream.whole());
    return out;
  }
  void Put(const std::string& name, const std::string& uid, const std::string& more = "") {
    Object object =
        Parse(R"({"metadata":{"name":")" + name + R"(","uid":")" + uid + "\"" + more + "}}");
    directory_.OnObject(object);
  }
  void Delete(const std::string& name, const std::string& uid) {
    Object object = Parse(R"({"metadata":{"name":")" + name + R"(","uid":")" + uid + "\"}}");
    directory_.OnGone(object);
  }
  std::string UidOf(const std::string& name) {
    const auto found = directory_.FindByName(name);
    return found == nullptr ? "" : found->uid;
  }

  Projection projection_;
  wirespan::testing::FakeClock clock_;
  telemetry::Registry registry_;
  MetadataDirectory directory_{{.resource = "nodes",
                                .objects = {.labels = [](auto key) { return key == "zone"; }},
                                .max_objects = 3},
                               clock_,
                               registry_};
};

TEST_F(MetadataDirectoryTest, KeepsWhatIsAskedForAndTheController) {
  Put("n1", "1",
      R"(,"labels":{"zone":"z","os":"linux"},"annotations":{"a":"b"},"ownerReferences":[)"
      R"({"kind":"A","uid":"a","controller":false},{"kind":"B","uid":"b","controller":true}])");
  const auto found = directory_.FindByUid("1");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->labels, (TextPairs{{"zone", "z"}}));
  EXPECT_TRUE(found->annotations.empty());
  EXPECT_EQ(found->owner_kind, "B");
  EXPECT_EQ(found->owner_uid, "b");
}

TEST_F(MetadataDirectoryTest, AnOwnerThatControlsNothingIsNone) {
  Put("n1", "1", R"(,"ownerReferences":[{"kind":"A","uid":"a"}])");
  EXPECT_EQ(directory_.FindByUid("1")->owner_uid, "");
}

TEST_F(MetadataDirectoryTest, ANameIsTheLastOnesThatHadIt) {
  Put("n1", "1");
  Delete("n1", "1");
  EXPECT_EQ(UidOf("n1"), "1") << "what it did may still be told";
  Put("n1", "2");
  EXPECT_EQ(UidOf("n1"), "2");
  clock_.Advance(121'000'000'000);
  Put("n2", "3");
  EXPECT_EQ(UidOf("n1"), "2") << "the first one's end takes nothing away";
  EXPECT_EQ(directory_.FindByUid("1"), nullptr);
  EXPECT_EQ(directory_.size(), 2u);
}

TEST_F(MetadataDirectoryTest, IsBoundedAndCounts) {
  for (int i = 0; i < 5; ++i) Put("n" + std::to_string(i), std::to_string(i));
  EXPECT_EQ(directory_.size(), 3u);
  const auto left_out = [&](const char* reason) {
    return registry_.Value("wirespan_kube_objects_left_out_total",
                           {{"resource", "nodes"}, {"reason", reason}});
  };
  EXPECT_EQ(left_out("full"), 2);
  Put("", "7");
  EXPECT_EQ(left_out("malformed"), 1);
}

TEST_F(MetadataDirectoryTest, WhatAListDoesNotNameIsGone) {
  directory_.OnList();
  Put("n1", "1");
  Put("n2", "2");
  directory_.OnListed();
  directory_.OnList();
  Put("n2", "2");
  directory_.OnListed();
  clock_.Advance(121'000'000'000);
  directory_.OnList();
  Put("n2", "2");
  directory_.OnListed();
  EXPECT_EQ(UidOf("n1"), "");
  EXPECT_EQ(UidOf("n2"), "2");
  EXPECT_EQ(registry_.Value("wirespan_kube_objects", {{"resource", "nodes"}}), 1);
}

}  // namespace
}  // namespace wirespan::kube
