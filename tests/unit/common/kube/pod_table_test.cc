#include "common/kube/pod_table.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/unit/common/kube/pods.h"

namespace wirespan::kube {
namespace {

using testing::ObjectOf;
using testing::PodText;

class PodTableTest : public ::testing::Test {
 protected:
  void Put(const PodText& text) {
    Object object = ObjectOf(text.text());
    table_.OnObject(object);
  }
  void Delete(const PodText& text) {
    Object object = ObjectOf(text.text());
    table_.OnGone(object);
  }
  double LeftOut(const char* reason) {
    return registry_.Value("wirespan_kube_objects_left_out_total", {{"reason", reason}});
  }
  std::string NameOf(std::string_view uid, std::string_view container = {}) {
    const PodPlace place = table_.Find(uid, container);
    return place.pod == nullptr ? "" : place.pod->name + "/" + place.container;
  }
  void Pass(std::uint64_t seconds) { clock_.Advance(seconds * 1'000'000'000); }

  wirespan::testing::FakeClock clock_;
  telemetry::Registry registry_;
  PodTable table_{{.node = "n1", .max_pods = 4}, clock_, registry_};
};

TEST_F(PodTableTest, FindsByUidAndContainer) {
  PodText text;
  text.spec_containers = R"({"name":"app"},{"name":"proxy"})";
  text.statuses =
      R"({"name":"app","containerID":"containerd://aa"},{"name":"proxy","containerID":"x://bb"})";
  Put(text);
  EXPECT_EQ(NameOf(text.uid, "aa"), text.name + "/app");
  EXPECT_EQ(NameOf(text.uid, "bb"), text.name + "/proxy");
  EXPECT_EQ(NameOf(text.uid, "cc"), text.name + "/");
  EXPECT_EQ(NameOf(text.uid), text.name + "/");
  EXPECT_EQ(NameOf("", "bb"), text.name + "/proxy");
  EXPECT_EQ(NameOf("", "cc"), "");
  EXPECT_EQ(NameOf("", ""), "");
  // Another cluster's pod inside one of ours: its uid is not known, whatever the container.
  EXPECT_EQ(NameOf("99999999-2222-3333-4444-555555555555", "aa"), "");
}

TEST_F(PodTableTest, NamesTheOnlyContainerBeforeItsStatusIsTold) {
  PodText text;
  text.statuses = "";
  Put(text);
  EXPECT_EQ(NameOf(text.uid, "aa"), text.name + "/app");
  EXPECT_EQ(NameOf(text.uid), text.name + "/");
}

TEST_F(PodTableTest, KeepsOnlyItsNodesPods) {
  PodText text;
  text.node = "n2";
  Put(text);
  text.node = "";  // not scheduled yet
  Put(text);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(LeftOut("other_node"), 2);
  Object nothing = ObjectOf("{}");
  table_.OnObject(nothing);
  EXPECT_EQ(LeftOut("malformed"), 1);
}

TEST_F(PodTableTest, KeepsADeletedPodForAWhile) {
  const PodText text;
  Put(text);
  Delete(text);
  Pass(60);
  EXPECT_EQ(NameOf(text.uid, "aaaa"), text.name + "/app");
  Pass(61);
  PodText other;
  other.uid = "other";
  other.statuses = "";
  Put(other);
  EXPECT_EQ(NameOf(text.uid, "aaaa"), "");
  EXPECT_EQ(NameOf("", "aaaa"), "");
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(PodTableTest, AStatefulSetsNextPodHasTheSameNameAndIsAnother) {
  PodText text;
  text.owner_kind = "StatefulSet";
  text.name = "db-0";
  Put(text);
  Delete(text);
  PodText next = text;
  next.uid = "next";
  next.statuses = R"({"name":"app","containerID":"containerd://bbbb"})";
  Put(next);
  EXPECT_EQ(table_.Find(text.uid, "aaaa").pod->uid, text.uid);
  EXPECT_EQ(table_.Find("next", "bbbb").pod->uid, "next");
}

TEST_F(PodTableTest, KnowsTheContainersOfEarlierRuns) {
  PodText text;
  Put(text);
  text.statuses = R"({"name":"app","containerID":"containerd://bbbb"})";
  Put(text);
  EXPECT_EQ(NameOf("", "aaaa"), text.name + "/app");
  EXPECT_EQ(NameOf("", "bbbb"), text.name + "/app");
  for (int i = 0; i < 100; ++i) {
    text.statuses = R"({"name":"app","containerID":"containerd://run)" + std::to_string(i) + "\"}";
    Put(text);
  }
  EXPECT_LE(table_.Find(text.uid, "").pod->containers.size(), 33u);
  EXPECT_EQ(NameOf("", "aaaa"), "");
  EXPECT_EQ(NameOf("", "run98"), text.name + "/app");
}

TEST_F(PodTableTest, FindsAStaticPodByTheHashOfItsFile) {
  PodText text;
  text.owner_kind = "Node";
  text.owner_name = "n1";
  text.annotations = R"("kubernetes.io/config.hash":"0123456789abcdef0123456789abcdef")";
  Put(text);
  EXPECT_EQ(NameOf("0123456789abcdef0123456789abcdef", "aaaa"), text.name + "/app");
  EXPECT_EQ(table_.Find("0123456789abcdef0123456789abcdef", "").pod->uid, text.uid);
}

TEST_F(PodTableTest, ANewListForgetsWhatIsNotInIt) {
  PodText a, b;
  b.uid = "b";
  b.name = "b";
  b.statuses = "";
  table_.OnList();
  Put(a);
  Put(b);
  EXPECT_FALSE(table_.listed());
  table_.OnListed();
  EXPECT_TRUE(table_.listed());
  table_.OnList();
  Put(b);
  Pass(1000);  // a list that was broken off forgets nobody
  table_.OnList();
  Put(b);
  EXPECT_EQ(table_.size(), 2u);
  table_.OnListed();
  Pass(1000);
  Put(b);
  EXPECT_EQ(table_.size(), 1u);
  EXPECT_NE(NameOf("b"), "");
  EXPECT_EQ(registry_.Value("wirespan_kube_pods"), 1);
}

TEST_F(PodTableTest, CountsOnlyChangesThatCanBeSeen) {
  PodText text;
  Put(text);
  const std::uint64_t version = table_.version();
  text.version = "101";
  text.more_status = R"(,"qosClass":"Burstable")";
  Put(text);
  EXPECT_EQ(table_.version(), version);
  text.labels = R"("a":"b")";
  Put(text);
  EXPECT_GT(table_.version(), version);
}

TEST_F(PodTableTest, IsBounded) {
  PodText text;
  text.statuses = "";
  for (int i = 0; i < 6; ++i) {
    text.uid = "u" + std::to_string(i);
    Put(text);
  }
  EXPECT_EQ(table_.size(), 4u);
  EXPECT_EQ(LeftOut("full"), 2);
  // One that comes and goes for ever.
  text.uid = "u0";
  for (int i = 0; i < 1000; ++i) {
    Delete(text);
    Put(text);
  }
  EXPECT_EQ(table_.size(), 4u);
  EXPECT_NE(NameOf("u0"), "");
}

}  // namespace
}  // namespace wirespan::kube
