#include "agent/process/pod_scope.h"

#include <gtest/gtest.h>

namespace wirespan::process {
namespace {

constexpr const char* kUid = "11111111-2222-3333-4444-555555555555";
const std::string kId(64, 'a');

bool Contains(const std::string& member, const std::string& other) {
  const auto scope = PodScope::Of(ParseCgroupPath(member));
  return scope && scope->Contains(ParseCgroupPath(other));
}

TEST(PodScopeTest, IsThePodsGroupWhereThePathNamesIt) {
  const std::string pod = std::string("/kubepods/burstable/pod") + kUid;
  EXPECT_EQ(PodScope::Of(ParseCgroupPath(pod + "/" + kId))->group(), pod);
  EXPECT_EQ(PodScope::Of(ParseCgroupPath(pod + "/" + kId + "/init"))->group(), pod);
  EXPECT_TRUE(Contains(pod + "/" + kId, pod + "/" + std::string(64, 'b')));
  EXPECT_TRUE(Contains(pod + "/" + kId, pod + "/" + kId + "/sub"));
  EXPECT_FALSE(Contains(pod + "/" + kId, "/kubepods/burstable/pod22222222-2222-3333-4444-5/x"));
  EXPECT_FALSE(Contains(pod + "/" + kId, "/system.slice/sshd.service"));
}

TEST(PodScopeTest, KnowsTheNamesOfSystemdsSlices) {
  std::string uid = kUid;
  for (char& c : uid) c = c == '-' ? '_' : c;
  const std::string pod = "/kubepods.slice/kubepods-pod" + uid + ".slice";
  const std::string member = pod + "/cri-containerd-" + kId + ".scope";
  EXPECT_EQ(PodScope::Of(ParseCgroupPath(member))->group(), pod);
  EXPECT_TRUE(Contains(member, pod + "/cri-containerd-" + std::string(64, 'b') + ".scope"));
  // The same pod in another hierarchy's words.
  EXPECT_TRUE(Contains(member, std::string("/kubepods/pod") + kUid + "/" + kId));
}

TEST(PodScopeTest, SeesItsPodBesideItselfInANamespaceOfItsOwn) {
  const std::string other = std::string("/../../pod") + kUid + "/" + kId;
  EXPECT_EQ(PodScope::Of(ParseCgroupPath("/"))->group(), "/..");
  EXPECT_TRUE(Contains("/", "/"));
  EXPECT_TRUE(Contains("/", "/sub"));
  EXPECT_TRUE(Contains("/", "/../" + kId));
  EXPECT_TRUE(Contains("/", "/../cri-containerd-" + kId + ".scope"));
  EXPECT_FALSE(Contains("/", other));
  EXPECT_FALSE(Contains("/", "/../.."));
  EXPECT_FALSE(Contains("/", "/../../../system.slice/sshd.service"));
  EXPECT_FALSE(Contains("/", ""));
}

TEST(PodScopeTest, AnotherAgentsPodIsSeenFromANamespaceToo) {
  const std::string pod = "/../../podX";
  EXPECT_EQ(PodScope::Of(ParseCgroupPath(pod + "/A"))->group(), pod);
  EXPECT_TRUE(Contains(pod + "/A", pod + "/B"));
  EXPECT_FALSE(Contains(pod + "/A", "/../../podXX/B"));
  EXPECT_FALSE(Contains(pod + "/A", "/../B"));
}

TEST(PodScopeTest, WithoutAUidThePodIsTheGroupAround) {
  EXPECT_EQ(PodScope::Of(ParseCgroupPath("/tests/pod-1/agent"))->group(), "/tests/pod-1");
  EXPECT_FALSE(PodScope::Of(ParseCgroupPath("")).has_value());
}

}  // namespace
}  // namespace wirespan::process
