#include "agent/process/cgroup.h"

#include <gtest/gtest.h>

namespace wirespan::process {
namespace {

const std::string kId = "4f3a1c7de09b4f3a1c7de09b4f3a1c7de09b4f3a1c7de09b4f3a1c7de09b4f3a";

struct Row {
  std::string path;
  ContainerRuntime runtime;
  std::string container_id;
  std::string unit;
};

TEST(CgroupTest, TellsContainersAndUnitsFromThePath) {
  using enum ContainerRuntime;
  const std::vector<Row> rows = {
      {"/", kNone, "", ""},
      {"/system.slice/nginx.service", kNone, "", "nginx.service"},
      {"/system.slice/system-worker.slice/worker@2.service", kNone, "", "worker@2.service"},
      {"/system.slice/my\\x2dapp.service", kNone, "", "my-app.service"},
      {"/system.slice/shop.service/worker-1", kNone, "", "shop.service"},
      {"/user.slice/user-1000.slice/session-3.scope", kNone, "", ""},
      {"/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service", kNone, "",
       "shop.service"},
      {"/user.slice/user-1000.slice/user@1000.service/init.scope", kNone, "", ""},
      {"/docker/" + kId, kDocker, kId, ""},
      {"/docker/" + kId + "/system.slice/nginx.service", kDocker, kId, "nginx.service"},
      {"/system.slice/docker-" + kId + ".scope", kDocker, kId, ""},
      {"/system.slice/docker.service", kNone, "", "docker.service"},
      {"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + kId, kContainerd,
       kId, ""},
      {"/kubepods.slice/kubepods-burstable.slice/"
       "kubepods-burstable-pod0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f.slice/cri-containerd-" +
           kId + ".scope",
       kContainerd, kId, ""},
      {"/kubepods/besteffort/pod0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f/" + kId, kUnknown, kId, ""},
      {"/kubepods.slice/kubepods-pod0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f.slice/crio-" + kId +
           ".scope",
       kCrio, kId, ""},
      {"/kubepods.slice/x/crio-conmon-" + kId + ".scope", kNone, "", ""},
      {"/machine.slice/libpod-" + kId + ".scope", kPodman, kId, ""},
      {"/machine.slice/libpod-" + kId + ".scope/container", kPodman, kId, ""},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", kNone, "", ""},
      {"/libpod_parent/libpod-" + kId, kPodman, kId, ""},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId +
           ".scope/container",
       kPodman, kId, ""},
      {"/system.slice/shop.service/libpod-payload-" + kId, kPodman, kId, "shop.service"},
      {"/system.slice/nerdctl-" + kId + ".scope", kContainerd, kId, ""},
      {"/default/" + kId, kContainerd, kId, ""},
      {"/ecs/0123456789abcdef0123456789abcdef/" + kId, kUnknown, kId, ""},
      {"/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-4021", kUnknown,
       "0123456789abcdef0123456789abcdef-4021", ""},
      {"/lxc.payload.web1/system.slice/nginx.service", kLxc, "web1", "nginx.service"},
      {"/lxc/web1", kLxc, "web1", ""},
      {"/machine.slice/machine-web\\x2d1.scope", kNspawn, "web-1", ""},
      {"/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", kNspawn,
       "web", "nginx.service"},
      // Docker in Docker: the innermost.
      {"/docker/" + std::string(64, 'a') + "/docker/" + kId, kDocker, kId, ""},
      // A group namespace of our own shows paths above it.
      {"/../../system.slice/docker-" + kId + ".scope", kDocker, kId, ""},
      // Not ids.
      {"/docker/4F3A", kNone, "", ""},
      {"/docker/" + kId.substr(1), kNone, "", ""},
      {"/docker-" + kId + "0.scope", kNone, "", ""},
      {"/.service", kNone, "", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path);
    const Placement placement = ParseCgroupPath(row.path);
    EXPECT_EQ(placement.runtime, row.runtime);
    EXPECT_EQ(placement.container_id, row.container_id);
    EXPECT_EQ(placement.systemd_unit, row.unit);
    EXPECT_EQ(placement.path, row.path);
  }
}

TEST(CgroupTest, KnowsUserUnitsAndPods) {
  EXPECT_TRUE(ParseCgroupPath("/user.slice/user@1000.service/app.slice/shop.service").user_unit);
  EXPECT_FALSE(ParseCgroupPath("/user.slice/user@1000.service/init.scope").user_unit);
  EXPECT_FALSE(ParseCgroupPath("/system.slice/shop.service").user_unit);
  EXPECT_EQ(ParseCgroupPath("/kubepods/pod0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f/x").pod_uid,
            "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f");
  EXPECT_EQ(
      ParseCgroupPath("/kubepods.slice/kubepods-pod0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f.slice/x")
          .pod_uid,
      "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f");
  EXPECT_EQ(ParseCgroupPath("/system.slice/podman.service").pod_uid, "");
}

TEST(CgroupTest, FindsPodAndItsContainerInEveryLayout) {
  const std::string uid = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f";
  const std::string under = "0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f";
  const std::string other(64, 'b');
  struct Row {
    std::string path;
    std::string uid;
    std::string container;
  };
  const std::vector<Row> rows = {
      {"/kubepods/burstable/pod" + uid + "/" + kId, uid, kId},
      {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + under +
           ".slice/cri-containerd-" + kId + ".scope",
       uid, kId},
      {"/kubepods.slice/kubepods-pod" + under + ".slice/crio-" + kId + ".scope/container", uid,
       kId},
      {"/system.slice/containerd.service/kubepods-burstable-pod" + under +
           ".slice:cri-containerd:" + kId,
       uid, kId},
      // kind: the node is a container itself.
      {"/docker/" + other + "/kubelet/kubepods/besteffort/pod" + uid + "/" + kId, uid, kId},
      {"/system.slice/docker-" + other +
           ".scope/kubelet.slice/kubelet-kubepods.slice/"
           "kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" +
           under + ".slice/cri-containerd-" + kId + ".scope",
       uid, kId},
      // A static pod's uid is the hash of its file.
      {"/kubepods/pod0123456789abcdef0123456789abcdef/" + kId, "0123456789abcdef0123456789abcdef",
       kId},
      // Docker in a pod.
      {"/kubepods/pod" + uid + "/" + kId + "/docker/" + other, uid, kId},
      // Told from within a group namespace: of another pod, and of the same one.
      {"/../../kubepods-pod" + under + ".slice/cri-containerd-" + kId + ".scope", uid, kId},
      {"/../" + kId, "", kId},
      {"/kubepods/burstable", "", ""},
      {"/shop-pod" + uid, "", ""},
      {"/kubepods/pod" + uid + "x/y", "", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path);
    const Placement placement = ParseCgroupPath(row.path);
    EXPECT_EQ(placement.pod_uid, row.uid);
    EXPECT_EQ(placement.pod_container_id, row.container);
    const Placement hybrid =
        ParseCgroup("12:pids:" + row.path + "\n1:name=systemd:" + row.path + "\n0::/\n");
    EXPECT_EQ(hybrid.pod_uid, row.uid);
    EXPECT_EQ(hybrid.pod_container_id, row.container);
  }
}

TEST(CgroupTest, ReadsAllThreeKindsOfHierarchies) {
  const Placement v2 = ParseCgroup("0::/system.slice/nginx.service\n");
  EXPECT_EQ(v2.systemd_unit, "nginx.service");

  const Placement v1 =
      ParseCgroup("12:pids:/docker/" + kId + "\n1:name=systemd:/docker/" + kId + "\n");
  EXPECT_EQ(v1.container_id, kId);

  const Placement hybrid = ParseCgroup(
      "9:name=systemd:/\n4:memory:/pool/7\n3:cpu:/\n1:name=systemd:/system.slice/a.service\n0::/"
      "\n");
  EXPECT_EQ(hybrid.systemd_unit, "a.service");
  EXPECT_EQ(hybrid.path, "/system.slice/a.service");

  const Placement memory_alone = ParseCgroup("9:name=systemd:/\n4:memory:/pool/7\n0::/\n");
  EXPECT_EQ(memory_alone.path, "/pool/7");
  EXPECT_EQ(ParseCgroup("0::/a\n5:cpu:/b\n").path, "/a");
  EXPECT_EQ(ParseCgroup("5:cpu:/b\n0::/a\n").path, "/a");
  EXPECT_EQ(ParseCgroup("0::/a:b/c\n").path, "/a:b/c");
}

TEST(CgroupTest, ToleratesAnyText) {
  EXPECT_EQ(ParseCgroup("").path, "");
  EXPECT_EQ(ParseCgroup("no colons\n:\n").path, "");
  EXPECT_EQ(ParseCgroup("0::/" + std::string(100'000, 'x')).path.size(), 4096u);
  EXPECT_EQ(UnescapeUnit("a\\x2"), "a\\x2");
  EXPECT_EQ(UnescapeUnit("a\\x2d"), "a-");
}

}  // namespace
}  // namespace wirespan::process
