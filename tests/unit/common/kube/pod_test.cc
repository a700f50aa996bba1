#include "common/kube/pod.h"

#include <gtest/gtest.h>

#include "tests/unit/common/kube/pods.h"

namespace wirespan::kube {
namespace {

using testing::ObjectOf;
using testing::PodText;

Pod Read(const PodText& text, const PodOptions& options = {}) {
  auto pod = PodOf(ObjectOf(text.text()), options);
  EXPECT_TRUE(pod.has_value());
  return pod.value_or(Pod());
}

TEST(PodTest, KeepsWhatNamesAProcess) {
  PodText text;
  text.annotations = R"("resource.opentelemetry.io/service.name":"basket","team":"a","other":"b")";
  const Pod pod = Read(text, {.annotations = *GlobSet::Compile({"tea*"})});
  EXPECT_EQ(pod.name, "cart-7d9c6b5f4-x2x9p");
  EXPECT_EQ(pod.name_space, "shop");
  EXPECT_EQ(pod.uid, text.uid);
  EXPECT_EQ(pod.node, "n1");
  EXPECT_EQ(pod.workload, (Workload{WorkloadKind::kDeployment, "cart", "cart-7d9c6b5f4"}));
  EXPECT_EQ(pod.containers,
            (std::vector<PodContainer>{{"app", "aaaa", "registry.example:5000/cart:1.4"}}));
  EXPECT_EQ(pod.only_container, "app");
  EXPECT_EQ(FindText(pod.labels, "app.kubernetes.io/name"), "cart");
  EXPECT_EQ(pod.annotations,
            (TextPairs{{"resource.opentelemetry.io/service.name", "basket"}, {"team", "a"}}));
  EXPECT_EQ(pod.addresses, std::vector<std::string>{"10.1.0.7"});
  EXPECT_EQ(pod.start_time, "2026-11-28T10:00:01Z");
  EXPECT_FALSE(pod.host_network);
  EXPECT_FALSE(pod.ended);
}

TEST(PodTest, KnowsEveryKindOfContainer) {
  PodText text;
  text.spec_containers = R"({"name":"app","image":"cart"},{"name":"proxy","image":"p:2"})";
  text.more_spec =
      R"(,"initContainers":[{"name":"setup"}],"ephemeralContainers":[{"name":"debug"}])"
      R"(,"hostNetwork":true)";
  text.statuses =
      R"({"name":"proxy","containerID":"cri-o://bb"},{"name":"app","containerID":"docker://aa"},)"
      R"({"name":"waiting","state":{"waiting":{"reason":"ContainerCreating"}}})";
  text.more_status =
      R"(,"initContainerStatuses":[{"name":"setup","containerID":"containerd://cc"}])"
      R"(,"ephemeralContainerStatuses":[{"name":"debug","containerID":"containerd://dd"}])";
  const Pod pod = Read(text);
  ASSERT_EQ(pod.containers.size(), 4u);
  EXPECT_EQ(pod.containers[0], (PodContainer{"proxy", "bb", "p:2"}));
  EXPECT_EQ(pod.containers[1], (PodContainer{"app", "aa", "cart"}));
  EXPECT_EQ(pod.containers[2].name, "setup");
  EXPECT_EQ(pod.containers[3].id, "dd");
  EXPECT_EQ(pod.only_container, "");  // which one is not told by being alone
  EXPECT_TRUE(pod.host_network);
}

TEST(PodTest, FindsTheWorkloadByItsRulesAndNotOtherwise) {
  const auto expect = [](const char* kind, const char* name, const char* hash, const char* created,
                         WorkloadKind found_kind, const char* found, const char* through) {
    const Workload workload = WorkloadOf(kind, name, hash, created);
    EXPECT_EQ(workload.kind, found_kind) << kind << " " << name;
    EXPECT_EQ(workload.name, found) << kind << " " << name;
    EXPECT_EQ(workload.through, through) << kind << " " << name;
  };
  const char* day = "2026-11-28T10:00:00Z";  // minute 29931000
  expect("ReplicaSet", "a-b-7d9", "7d9", day, WorkloadKind::kDeployment, "a-b", "a-b-7d9");
  expect("ReplicaSet", "a-b-7d9", "", day, WorkloadKind::kReplicaSet, "a-b-7d9", "");
  expect("ReplicaSet", "a-b-7d9", "b-8", day, WorkloadKind::kReplicaSet, "a-b-7d9", "");
  expect("ReplicaSet", "ab7d9", "7d9", day, WorkloadKind::kReplicaSet, "ab7d9", "");
  expect("ReplicaSet", "-7d9", "7d9", day, WorkloadKind::kReplicaSet, "-7d9", "");
  expect("Job", "report-29764440", "", "2026-08-04T18:00:02Z", WorkloadKind::kCronJob, "report",
         "report-29764440");
  expect("Job", "report-1785866400", "", "2026-08-04T18:00:02Z", WorkloadKind::kCronJob, "report",
         "report-1785866400");
  expect("Job", "import-12345678", "", day, WorkloadKind::kJob, "import-12345678",
         "");  // year 1993
  expect("Job", "import-2", "", day, WorkloadKind::kJob, "import-2", "");
  expect("Job", "import", "", day, WorkloadKind::kJob, "import", "");
  expect("Job", "report-29764440", "", "", WorkloadKind::kJob, "report-29764440", "");
  expect("StatefulSet", "db", "", day, WorkloadKind::kStatefulSet, "db", "");
  expect("DaemonSet", "log", "", day, WorkloadKind::kDaemonSet, "log", "");
  expect("ReplicationController", "old", "", day, WorkloadKind::kReplicationController, "old", "");
  expect("Node", "n1", "", day, WorkloadKind::kNone, "", "");
  expect("Rollout", "argo", "", day, WorkloadKind::kNone, "", "");
}

TEST(PodTest, TakesTheControllerAmongOwners) {
  PodText text;
  text.owner_kind = "";
  EXPECT_EQ(Read(text).workload.kind, WorkloadKind::kNone);
  std::string json = PodText().text();
  const std::string owner = R"("ownerReferences":[)";
  json.insert(json.find(owner) + owner.size(), R"({"kind":"DaemonSet","name":"other"},)");
  const auto pod = PodOf(ObjectOf(json), {});
  ASSERT_TRUE(pod.has_value());
  EXPECT_EQ(pod->workload.name, "cart");
}

TEST(PodTest, ReadsTimesAndTags) {
  EXPECT_EQ(ParseTime("1970-01-02T00:00:01Z"), 86401);
  EXPECT_EQ(ParseTime("2026-11-28T10:00:00Z"), 1795860000);
  EXPECT_EQ(ParseTime("2026-11-28T10:00:00.5Z"), 1795860000);
  for (const char* wrong : {"", "2026-13-28T10:00:00Z", "2026-11-28", "2026-11-28T10:00:00+01:00",
                            "2026-11-28T25:00:00Z", "x026-11-28T10:00:00Z"}) {
    EXPECT_FALSE(ParseTime(wrong).has_value()) << wrong;
  }
  EXPECT_EQ(ImageTag("cart:1.4"), "1.4");
  EXPECT_EQ(ImageTag("registry.example:5000/shop/cart"), "");
  EXPECT_EQ(ImageTag("registry.example:5000/shop/cart:1.4@sha256:ab"), "1.4");
  EXPECT_EQ(ImageTag("cart@sha256:ab"), "");
  EXPECT_EQ(ImageTag(""), "");
}

TEST(PodTest, IsNoPodWithoutAName) {
  PodText text;
  text.uid = "";
  EXPECT_FALSE(PodOf(ObjectOf(text.text()), {}).has_value());
  EXPECT_FALSE(PodOf(ObjectOf("{}"), {}).has_value());
  EXPECT_FALSE(
      PodOf(ObjectOf(R"({"metadata":{"uid":"u","name":{"x":1},"namespace":[]}})"), {}).has_value());
}

}  // namespace
}  // namespace wirespan::kube
