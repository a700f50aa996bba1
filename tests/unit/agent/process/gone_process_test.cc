// Processes that ended before the table could read them, or while it did.
#include <gtest/gtest.h>

#include "agent/process/process_table.h"
#include "fake_proc.h"

namespace wirespan::process {
namespace {

using std::string_literals::operator""s;
using testing::FakeProcess;
using testing::FakeRoot;

const std::string kUid = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f";
const std::string kContainer(64, 'a');
const std::string kGroup = "/kubepods/burstable/pod" + kUid + "/" + kContainer;
// What a kernel of both versions tells with an exec in the pod, and what /proc says of it later.
const std::string kTold =
    "1:memory:" + kGroup + "\n2:pids:" + kGroup + "\n0::/system.slice/containerd.service\n";
const std::string kOfAZombie =
    "9:memory:/\n8:pids:/\n1:name=systemd:/\n0::/system.slice/containerd.service\n";
const std::string kRuntimes =
    "9:memory:/system.slice/containerd.service\n"
    "0::/system.slice/containerd.service\n";

class GoneProcessTest : public ::testing::Test {
 protected:
  ProcessTable& table() {
    if (!table_) {
      table_ = std::make_unique<ProcessTable>(root_.path(), HostInfo{.name = "node1"}, config_,
                                              TableLimits{}, registry_);
      table_->Advance(now_);
    }
    return *table_;
  }
  const ProcessInfo& Info(std::uint32_t pid) { return table().Find(pid).info; }
  void ExpectInPod(const ProcessInfo& info) {
    EXPECT_EQ(info.placement.path, kGroup);
    EXPECT_EQ(info.placement.pod_uid, kUid);
    EXPECT_EQ(info.placement.container_id, kContainer);
    EXPECT_EQ(info.placement.systemd_unit, "");
  }
  // The shim that starts what containerd is asked for: known, and in containerd's group.
  void PutRuntime(std::uint32_t pid) {
    root_.Put(
        {.pid = pid, .comm = "runc", .executable = "/usr/bin/runc", .cgroup = kRuntimes, .uid = 0});
    EXPECT_EQ(Info(pid).placement.systemd_unit, "containerd.service");
  }

  FakeRoot root_;
  telemetry::Registry registry_;
  TableConfig config_;
  std::uint64_t now_ = 1'000'000'000'000;
  std::unique_ptr<ProcessTable> table_;
};

TEST_F(GoneProcessTest, IsKnownByItsExec) {
  root_.Put({.pid = 4, .cgroup = "0::/system.slice/batch.service\n", .uid = 33});
  Info(4);
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0http://x\0"s,
                 "0::/system.slice/batch.service\n");
  table().OnExit(5, now_ + 1);
  const Process& process = table().Find(5);
  EXPECT_EQ(process.info.executable, "/usr/bin/curl");
  EXPECT_EQ(process.info.arguments, (std::vector<std::string>{"curl", "http://x"}));
  EXPECT_EQ(process.info.parent_pid, 4u);
  EXPECT_EQ(process.info.owner, "33");  // of the parent, in the same group
  EXPECT_EQ(process.service.name, "batch");
  EXPECT_EQ(registry_.Value("wirespan_process_reconstructed_total"), 1);
}

TEST_F(GoneProcessTest, IsInItsOwnContainerAndNotWhereTheRuntimeIs) {
  PutRuntime(4);
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0", kTold);
  ExpectInPod(Info(5));
  EXPECT_FALSE(Info(5).owner_known);
}

TEST_F(GoneProcessTest, IsNamedByItsContainersRuntime) {
  root_.Write("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kContainer + "/config.json",
              R"({"annotations":{"io.kubernetes.cri.container-name":"api"}})");
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0", kTold);
  EXPECT_EQ(table().Find(5).info.container_name, "api");
}

TEST_F(GoneProcessTest, HasNoGroupRatherThanItsParents) {
  PutRuntime(4);
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0", "");
  const Process& process = table().Find(5);
  EXPECT_EQ(process.info.placement.path, "");
  EXPECT_EQ(process.info.placement.systemd_unit, "");
  EXPECT_FALSE(process.info.owner_known);
  EXPECT_EQ(process.service.name, "curl");
  EXPECT_EQ(registry_.Value("wirespan_process_group_unknown_total"), 1);
}

TEST_F(GoneProcessTest, OfSeveralExecsTheLastOneCounts) {
  table().OnExec(5, 4, now_, "/usr/bin/runc", "runc\0init\0"s, kRuntimes);
  table().OnExec(5, 4, now_ + 1, "/usr/bin/curl", "curl\0", kTold);
  ExpectInPod(Info(5));
  EXPECT_EQ(Info(5).executable, "/usr/bin/curl");
}

TEST_F(GoneProcessTest, WhatWasReadBeforeItsExecIsNotItsGroup) {
  root_.Put({.pid = 5, .comm = "runc", .executable = "/usr/bin/runc", .cgroup = kRuntimes});
  EXPECT_EQ(Info(5).placement.systemd_unit, "containerd.service");
  root_.Remove(5);
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0", kTold);
  ExpectInPod(Info(5));
  EXPECT_FALSE(Info(5).owner_known);
}

TEST_F(GoneProcessTest, AForkedChildIsWhatItsParentWas) {
  root_.Put({.pid = 4, .cgroup = "0::" + kGroup + "\n"});
  Info(4);
  table().OnFork(5, 4, now_);
  table().OnFork(6, 5, now_ + 1);
  EXPECT_EQ(Info(6).executable, "/usr/bin/shop");
  EXPECT_EQ(Info(6).parent_pid, 5u);
  ExpectInPod(Info(6));
}

TEST_F(GoneProcessTest, AForkedChildIsWhereItsParentsExecWas) {
  PutRuntime(4);
  table().OnExec(5, 4, now_, "/usr/bin/sh", "sh\0", kTold);
  table().OnFork(6, 5, now_ + 1);
  ExpectInPod(Info(6));
  EXPECT_EQ(Info(6).executable, "/usr/bin/sh");
}

TEST_F(GoneProcessTest, ARingOfParentsEnds) {
  table().OnFork(5, 6, now_);
  table().OnFork(6, 5, now_);
  EXPECT_EQ(table().Find(5).service.name, "unknown_service");
}

TEST_F(GoneProcessTest, OneThatEndsWhileItIsReadIsKnownByItsExec) {
  PutRuntime(4);
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0http://x\0"s, kTold);
  root_.Put({.pid = 5, .comm = "curl", .cgroup = kOfAZombie, .uid = 33, .exiting = true});
  ExpectInPod(Info(5));
  EXPECT_EQ(Info(5).executable, "/usr/bin/curl");
  EXPECT_EQ(Info(5).arguments, (std::vector<std::string>{"curl", "http://x"}));
  EXPECT_EQ(Info(5).owner, "33");
  EXPECT_EQ(Info(5).start_ticks, 5000u);
  // Still so after it is gone, and after new rules.
  root_.Remove(5);
  table().OnExit(5, now_ + 1);
  table().Reconfigure({});
  ExpectInPod(Info(5));
}

TEST_F(GoneProcessTest, OneThatEndsWithoutAnExecHasNoGroupOfVersion1) {
  root_.Put({.pid = 5, .cgroup = kOfAZombie, .exiting = true});
  EXPECT_EQ(Info(5).placement.path, "");
  EXPECT_EQ(Info(5).placement.systemd_unit, "");
  // Version 2 tells until the end.
  root_.Put({.pid = 6, .cgroup = "0::" + kGroup + "\n", .exiting = true});
  ExpectInPod(Info(6));
}

TEST_F(GoneProcessTest, OneThatWasReadKeepsWhatWasKnownWhenItEnds) {
  FakeProcess process{.pid = 5, .cgroup = "9:memory:" + kGroup + "\n"};
  root_.Put(process);
  ExpectInPod(Info(5));
  process.exiting = true;
  process.cgroup = kOfAZombie;
  root_.Put(process);
  table().Reconfigure({});
  ExpectInPod(Info(5));
  EXPECT_EQ(Info(5).executable, "/usr/bin/shop");
}

TEST_F(GoneProcessTest, TheFilterByGroupReachesIt) {
  config_.filter.exclude = {{.cgroup = "/kubepods/*"}};
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0", kTold);
  table().OnExec(6, 4, now_, "/usr/bin/curl", "curl\0", kRuntimes);
  EXPECT_FALSE(table().Find(5).filter.observed);
  EXPECT_TRUE(table().Find(6).filter.observed);
}

TEST_F(GoneProcessTest, AnAgentInAPodKnowsItsOwnPodsProcesses) {
  const std::string pod = "/kubepods/pod" + kUid;
  const std::string agents = "1:memory:" + pod + "/agent\n0::/\n";
  config_.filter.only_own_pod = true;
  config_.filter.own_pod = PodScope::Of(ParseCgroup("9:memory:/\n0::/\n"));
  table().SeeGroups(CgroupView(agents));
  table().OnExec(5, 4, now_, "/usr/bin/curl", "curl\0", "1:memory:" + pod + "/app\n0::/\n");
  table().OnExec(6, 4, now_, "/usr/bin/curl", "curl\0", "1:memory:/kubepods/podother/app\n0::/\n");
  table().OnExec(7, 4, now_, "/usr/bin/curl", "curl\0", "1:memory:" + pod + "/agent/x\n0::/\n");
  EXPECT_EQ(Info(5).placement.path, "/../app");
  EXPECT_TRUE(table().Find(5).filter.observed);
  EXPECT_EQ(Info(6).placement.path, "/../../podother/app");
  EXPECT_FALSE(table().Find(6).filter.observed);
  EXPECT_TRUE(table().Find(7).filter.observed);
  // Where its own place is not known, nobody is in it.
  table().SeeGroups(CgroupView(""));
  table().OnExec(8, 4, now_, "/usr/bin/curl", "curl\0", "1:memory:" + pod + "/app\n0::/\n");
  EXPECT_FALSE(table().Find(8).filter.observed);
}

}  // namespace
}  // namespace wirespan::process
