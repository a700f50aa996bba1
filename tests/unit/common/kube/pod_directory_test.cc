#include "common/kube/pod_directory.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/unit/common/kube/pods.h"

namespace wirespan::kube {
namespace {

using testing::ObjectOf;
using testing::PodText;

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t At(std::string_view time) {
  return static_cast<std::uint64_t>(ParseTime(time).value()) * kSecond;
}

// The text's pods start at 10:00:01; the test's clock begins an hour later.
class PodDirectoryTest : public ::testing::Test {
 protected:
  PodDirectoryTest() { clock_.Advance(At("2026-11-28T11:00:00Z") - clock_.realtime_ns()); }
  void Put(const PodText& text, std::string_view start = "2026-11-28T10:00:01Z") {
    std::string json = text.text();
    const std::string_view written = "2026-11-28T10:00:01Z";
    if (const auto at = json.find(written); at != std::string::npos)
      json.replace(at, written.size(), start);
    Object object = ObjectOf(json);
    directory_.OnObject(object);
  }
  void Delete(const PodText& text) {
    Object object = ObjectOf(text.text());
    directory_.OnGone(object);
  }
  static std::string NameOf(const PodDirectory::PodPtr& pod) {
    return pod == nullptr ? "" : pod->name;
  }
  std::string Now(std::string_view address) { return NameOf(directory_.FindByAddress(address, 0)); }
  std::string Then(std::string_view address, std::string_view time) {
    return NameOf(directory_.FindByAddress(address, At(time)));
  }
  void Pass(std::uint64_t seconds) { clock_.Advance(seconds * kSecond); }

  wirespan::testing::FakeClock clock_;
  telemetry::Registry registry_;
  PodDirectory directory_{{.max_pods = 4}, clock_, registry_};
};

PodText Named(const std::string& name, const std::string& ip) {
  PodText text;
  text.name = name;
  text.uid = "uid-of-" + name;
  text.ip = ip;
  text.statuses = R"({"name":"app","containerID":"containerd://id-of-)" + name + R"("})";
  return text;
}

TEST_F(PodDirectoryTest, FindsAPodByAllItsNames) {
  Put(Named("cart", "10.1.0.7"));
  EXPECT_EQ(NameOf(directory_.FindByUid("uid-of-cart")), "cart");
  EXPECT_EQ(NameOf(directory_.FindByContainer("id-of-cart")), "cart");
  EXPECT_EQ(NameOf(directory_.FindByName("cart", "shop")), "cart");
  EXPECT_EQ(NameOf(directory_.FindByName("cart", "")), "cart");
  EXPECT_EQ(NameOf(directory_.FindByName("cart", "other")), "");
  EXPECT_EQ(Now("10.1.0.7"), "cart");
  EXPECT_EQ(Now("::ffff:10.1.0.7"), "cart");
  EXPECT_EQ(Now("10.1.0.8"), "");
  EXPECT_EQ(Now("10.1.0"), "");
  EXPECT_EQ(Now(""), "");
}

TEST_F(PodDirectoryTest, ReadsAddressesHoweverTheyAreWritten) {
  EXPECT_EQ(ParseAddress("fd00::7"), ParseAddress("[fd00:0:0:0:0:0:0:7]"));
  EXPECT_EQ(ParseAddress("fe80::1%eth0"), ParseAddress("fe80::1"));
  EXPECT_EQ(ParseAddress("10.1.0.7"), ParseAddress("::ffff:a01:7"));
  EXPECT_NE(ParseAddress("10.1.0.7"), ParseAddress("::a01:7"));
  for (const char* none : {"", "10.1.0.7:80", "localhost", "127.0.0.1", "::1", "::", "0.0.0.0",
                           "::ffff:127.0.0.1", "[fd00::7", "10.1.0.007x"}) {
    EXPECT_FALSE(ParseAddress(none)) << none;
  }
}

TEST_F(PodDirectoryTest, AReusedAddressIsThePodsThatHadItThen) {
  Put(Named("cart", "10.1.0.7"));
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T10:30:00Z"), "cart");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T09:59:00Z"), "") << "before it began";
  Pass(60);  // 11:01
  Delete(Named("cart", "10.1.0.7"));
  EXPECT_EQ(Now("10.1.0.7"), "cart") << "its last words still come";
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:01:20Z"), "");
  Pass(60);  // 11:02
  Put(Named("web", "10.1.0.7"), "2026-11-28T11:01:30Z");
  EXPECT_EQ(Now("10.1.0.7"), "web");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:01:40Z"), "web");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:01:20Z"), "");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:00:40Z"), "cart");
  EXPECT_EQ(NameOf(directory_.FindByUid("uid-of-cart")), "cart");
  Pass(61);  // cart's grace is over
  Put(Named("other", "10.1.0.9"));
  EXPECT_EQ(NameOf(directory_.FindByUid("uid-of-cart")), "");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:00:40Z"), "");
  EXPECT_EQ(Now("10.1.0.7"), "web");
}

TEST_F(PodDirectoryTest, TheNextOwnerCountsEvenIfTheEndOfTheFirstWasNotTold) {
  Put(Named("cart", "10.1.0.7"));
  Put(Named("web", "10.1.0.7"), "2026-11-28T10:50:00Z");
  EXPECT_EQ(Now("10.1.0.7"), "web");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T10:40:00Z"), "cart");
}

TEST_F(PodDirectoryTest, LeavesOutTheHostsNetworkAndEndedPods) {
  PodText host = Named("proxy", "192.0.2.1");
  host.more_spec = R"(,"hostNetwork":true)";
  Put(host);
  EXPECT_EQ(Now("192.0.2.1"), "");
  EXPECT_EQ(NameOf(directory_.FindByUid("uid-of-proxy")), "proxy");

  PodText job = Named("job", "10.1.0.7");
  Put(job);
  Pass(60);
  job.more_status = R"(,"phase":"Succeeded")";  // the later one counts
  Put(job);
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:00:30Z"), "job");
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:01:30Z"), "");

  PodText old = Named("old-job", "10.1.0.8");
  old.more_status = R"(,"phase":"Failed")";
  Put(old);
  EXPECT_EQ(Now("10.1.0.8"), "") << "when it ended is not known";
}

TEST_F(PodDirectoryTest, FollowsAPodToItsNextAddress) {
  PodText text = Named("cart", "");
  Put(text);  // not told yet
  text.ip = "10.1.0.7";
  Put(text);
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T10:30:00Z"), "cart");
  text.ip = "10.1.0.8";
  Put(text);
  Pass(10);
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:00:05Z"), "");
  EXPECT_EQ(Then("10.1.0.8", "2026-11-28T11:00:05Z"), "cart");
  EXPECT_EQ(Then("10.1.0.8", "2026-11-28T10:30:00Z"), "");
}

TEST_F(PodDirectoryTest, ANameOfSeveralPodsIsNobodys) {
  PodText one = Named("db-0", "10.1.0.7"), two = Named("db-0", "10.1.0.8");
  two.uid = "other";
  two.name_space = "shop2";
  Put(one);
  Put(two);
  EXPECT_EQ(directory_.FindByName("db-0", ""), nullptr);
  EXPECT_EQ(directory_.FindByName("db-0", "shop2")->uid, "other");
  Delete(two);
  EXPECT_EQ(directory_.FindByName("db-0", "")->uid, one.uid);
  // A StatefulSet's next pod has the name of the one before.
  Delete(one);
  PodText next = one;
  next.uid = "next";
  Put(next);
  EXPECT_EQ(directory_.FindByName("db-0", "shop")->uid, "next");
}

TEST_F(PodDirectoryTest, WhatAListDoesNotNameIsGoneAndMayComeBack) {
  directory_.OnList();
  Put(Named("cart", "10.1.0.7"));
  Put(Named("web", "10.1.0.8"));
  directory_.OnListed();
  EXPECT_TRUE(directory_.listed());
  Pass(1);
  directory_.OnList();
  Put(Named("web", "10.1.0.8"));
  directory_.OnListed();
  Pass(2);
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:00:02Z"), "");
  Put(Named("cart", "10.1.0.7"));
  EXPECT_EQ(Then("10.1.0.7", "2026-11-28T11:00:02Z"), "cart");
  EXPECT_EQ(directory_.size(), 2u);
}

TEST_F(PodDirectoryTest, HoldsNoMoreThanItMayAndSaysSo) {
  for (int i = 0; i < 6; ++i) {
    const std::string number = std::to_string(i);
    Put(Named("pod-" + number, "10.1.0." + number));
  }
  EXPECT_EQ(directory_.size(), 4u);
  EXPECT_EQ(registry_.Value("wirespan_kube_objects_left_out_total",
                            {{"resource", "pods"}, {"reason", "full"}}),
            2);
  EXPECT_EQ(Now("10.1.0.5"), "");
}

TEST_F(PodDirectoryTest, KeepsTheLabelsThatAreAskedForAndTheWorkloadAllTheSame) {
  PodDirectory chosen({.pods = {.more_annotations = [](auto key) { return key == "team"; },
                                .labels = [](auto key) { return key == "tier"; }}},
                      clock_, registry_);
  PodText text = Named("cart", "10.1.0.7");
  text.labels += R"(,"tier":"front")";
  text.annotations = R"("team":"a","other":"b")";
  Object object = ObjectOf(text.text());
  chosen.OnObject(object);
  const auto pod = chosen.FindByUid(text.uid);
  ASSERT_NE(pod, nullptr);
  EXPECT_EQ(pod->labels, (TextPairs{{"tier", "front"}}));
  EXPECT_EQ(pod->annotations, (TextPairs{{"team", "a"}}));
  EXPECT_EQ(pod->workload.kind, WorkloadKind::kDeployment);
  EXPECT_EQ(pod->workload.name, "cart");
}

}  // namespace
}  // namespace wirespan::kube
