#include "agent/process/process_table.h"

#include <gtest/gtest.h>

#include <chrono>

#include "fake_proc.h"
#include "tests/support/fake_clock.h"

namespace wirespan::process {
namespace {

using testing::FakeProcess;
using testing::FakeRoot;

constexpr std::uint64_t kSecond = 1'000'000'000;

class ProcessTableTest : public ::testing::Test {
 protected:
  ProcessTable& table() {
    if (!table_) {
      table_ = std::make_unique<ProcessTable>(root_.path(), HostInfo{.name = "node1"}, config_,
                                              limits_, registry_);
      Move(0);
    }
    return *table_;
  }
  void Move(std::uint64_t ns) {
    now_ += ns;
    table().Advance(now_);
  }
  double Value(const char* name, const telemetry::Labels& labels = {}) const {
    return registry_.Value(name, labels);
  }
  std::string Name(std::uint32_t pid, std::uint64_t event_ns = 0) {
    return table().Find(pid, event_ns).service.name;
  }

  FakeRoot root_;
  telemetry::Registry registry_;
  TableConfig config_;
  TableLimits limits_;
  std::uint64_t now_ = 1000 * kSecond;
  std::unique_ptr<ProcessTable> table_;
};

TEST_F(ProcessTableTest, ReadsAProcessOnce) {
  root_.Put({.pid = 5, .arguments = {"/usr/bin/shop", "-x"}, .uid = 33});
  root_.Write("/etc/passwd", "www-data:x:33:33::/:/x\n");
  const Process& process = table().Find(5);
  EXPECT_EQ(process.service.name, "shop");
  EXPECT_EQ(process.info.owner, "www-data");
  EXPECT_TRUE(process.filter.observed);
  EXPECT_TRUE(process.traces.spans);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(&table().Find(5), &process);
  EXPECT_EQ(Value("wirespan_process_loads_total"), 1);
}

TEST_F(ProcessTableTest, HandsTheOwnersAttachmentOut) {
  config_.attach = [](const Process& process) {
    return std::make_shared<const std::string>(process.resource.service_name + "!");
  };
  root_.Put({.pid = 5});
  EXPECT_EQ(*std::static_pointer_cast<const std::string>(table().Find(5).attachment), "shop!");
}

TEST_F(ProcessTableTest, AnUnknownProcessHasANameTooAndIsAskedForAgainLater) {
  EXPECT_EQ(Name(5), "unknown_service");
  EXPECT_EQ(Value("wirespan_process_unknown_total"), 1);
  EXPECT_EQ(Value("wirespan_process_read_failures_total", {{"reason", "gone"}}), 1);
  root_.Put({.pid = 5});
  EXPECT_EQ(Name(5), "unknown_service");
  Move(2 * kSecond);
  EXPECT_EQ(Name(5), "shop");
}

TEST_F(ProcessTableTest, ReadsAgainAfterExec) {
  root_.Put({.pid = 5});
  EXPECT_EQ(Name(5), "shop");
  root_.Put({.pid = 5, .comm = "other", .executable = "/usr/bin/other", .arguments = {"other"}});
  EXPECT_EQ(Name(5), "shop");
  table().OnExec(5, 1, now_, "/usr/bin/other", "other", "");
  EXPECT_EQ(Name(5), "other");
}

TEST_F(ProcessTableTest, KeepsADeadProcessForTheEventsStillInTheRing) {
  root_.Put({.pid = 5});
  EXPECT_EQ(Name(5), "shop");
  root_.Remove(5);
  table().OnExit(5, now_);
  Move(limits_.exit_grace_ns / 2);
  EXPECT_EQ(Name(5, now_ - limits_.exit_grace_ns), "shop");
  EXPECT_EQ(Name(5), "shop");
  Move(limits_.exit_grace_ns);
  EXPECT_EQ(table().size(), 0u);
  EXPECT_EQ(Name(5), "unknown_service");
}

TEST_F(ProcessTableTest, ANewProcessOfTheSamePidIsAnother) {
  root_.Put({.pid = 5, .start_ticks = 100});
  EXPECT_EQ(Name(5), "shop");
  table().OnExit(5, now_);
  root_.Put({.pid = 5,
             .start_ticks = 200,
             .comm = "new",
             .executable = "/bin/new",
             .arguments = {"new"}});
  EXPECT_EQ(Name(5, now_ - 1), "shop");
  EXPECT_EQ(Name(5, now_ + 1), "new");
  // The old one's end does not take the new one with it.
  Move(2 * limits_.exit_grace_ns);
  EXPECT_EQ(table().size(), 1u);
  EXPECT_EQ(Value("wirespan_process_loads_total"), 2);
}

TEST_F(ProcessTableTest, FindsALostExitByItself) {
  root_.Put({.pid = 5, .start_ticks = 100});
  EXPECT_EQ(Name(5), "shop");
  root_.Put({.pid = 5,
             .start_ticks = 200,
             .comm = "new",
             .executable = "/bin/new",
             .arguments = {"new"}});
  Move(2 * limits_.revisit_ns);
  EXPECT_EQ(Name(5), "new");
  root_.Remove(5);
  Move(2 * limits_.revisit_ns);
  EXPECT_EQ(Name(5), "new");
  Move(limits_.exit_grace_ns + kSecond);
  EXPECT_EQ(table().size(), 0u);
}

TEST_F(ProcessTableTest, LooksForAnSdkAgain) {
  FakeProcess process{.pid = 5};
  root_.Put(process);
  EXPECT_TRUE(table().Find(5).traces.spans);
  Move(limits_.second_look_ns + 1);
  EXPECT_TRUE(table().Find(5).traces.spans);
  process.maps = "7f01-7f02 r-xp 00000000 08:01 2   /x/libopentelemetry_trace.so\n";
  root_.Put(process);
  EXPECT_TRUE(table().Find(5).traces.spans);
  Move(10 * limits_.second_look_ns + 1);
  EXPECT_FALSE(table().Find(5).traces.spans);
  EXPECT_EQ(Name(5), "shop");
}

TEST_F(ProcessTableTest, LearnsThatAProcessReportsItself) {
  FakeProcess process{.pid = 5, .environment = {"OTEL_SERVICE_NAME=mine"}};
  root_.Put(process);
  EXPECT_TRUE(table().Find(5).traces.spans);
  EXPECT_TRUE(table().NoteInstrumented(5, false));
  EXPECT_EQ(table().Find(5).traces.reason, TraceReason::kOutboundContext);
  EXPECT_FALSE(table().NoteInstrumented(5, true));
  EXPECT_EQ(Name(5), "mine");
  // New rules do not forget it; another program does.
  table().Reconfigure({});
  EXPECT_EQ(table().Find(5).traces.reason, TraceReason::kExported);
  table().OnExec(5, 1, now_, "/usr/bin/shop", "", "");
  EXPECT_TRUE(table().Find(5).traces.spans);

  TableConfig always;
  always.traces.mode = TraceMode::kAlways;
  table().Reconfigure(always);
  table().NoteInstrumented(5, true);
  EXPECT_TRUE(table().Find(5).traces.spans);
}

TEST_F(ProcessTableTest, NewRulesReachTheLivingAndTheDead) {
  root_.Put({.pid = 5, .environment = {"OTEL_SERVICE_NAME=mine"}});
  root_.Put({.pid = 6});
  EXPECT_EQ(Name(5), "mine");
  EXPECT_EQ(Name(6), "shop");
  root_.Remove(5);
  table().OnExit(5, now_);
  TableConfig config;
  config.filter.exclude = {{.executable = "shop"}};
  config.services = {{.match = {.pid = 6}, .name = "six"}};
  table().Reconfigure(config);
  EXPECT_FALSE(table().Find(5).filter.observed);
  EXPECT_FALSE(table().Find(6).filter.observed);
  EXPECT_EQ(Name(5), "mine");
  EXPECT_EQ(Name(6), "six");
}

TEST_F(ProcessTableTest, ForgetsTheLeastUsedWhenFull) {
  limits_.max_processes = 16;
  limits_.max_seeds = 8;
  for (std::uint32_t pid = 1; pid <= 60; ++pid) {
    root_.Put({.pid = pid});
    Move(1000);
    Name(pid);
    Name(1);
    table().OnExec(2000 + pid, 1, now_, "/bin/x", "x", "");
    EXPECT_LE(table().size(), 16u);
  }
  EXPECT_GT(Value("wirespan_process_evictions_total"), 30);
  EXPECT_EQ(Value("wirespan_process_seeds_dropped_total"), 60 - 8);
  const double loads = Value("wirespan_process_loads_total");
  Name(1);  // used all the time: never forgotten
  EXPECT_EQ(Value("wirespan_process_loads_total"), loads);
}

TEST_F(ProcessTableTest, HoldsItsMemoryUnderHostileProcesses) {
  limits_.max_bytes = 256 << 10;
  std::string attributes = "OTEL_RESOURCE_ATTRIBUTES=";
  for (int i = 0; i < 15; ++i)
    attributes += "k" + std::to_string(i) + "=" + std::string(250, 'v') + ",";
  for (std::uint32_t pid = 1; pid <= 60; ++pid) {
    root_.Put({.pid = pid,
               .arguments = std::vector<std::string>(300, std::string(50, 'a')),
               .environment = {attributes}});
    Name(pid);
  }
  EXPECT_GT(Value("wirespan_process_evictions_total"), 0);
  EXPECT_LT(table().size(), 40u);
  EXPECT_GT(table().size(), 5u);
}

TEST_F(ProcessTableTest, ContainerNamesComeFromWhatRuntimesLeave) {
  const std::string id(64, 'a');
  root_.Write(
      "/var/lib/docker/containers/" + id + "/config.v2.json",
      R"({"Config":{"Labels":{"Name":"/fake"}},"Args":["{\"Name\":\"/worse\""],"Name":"/web-1","Driver":"x"})");
  root_.Put({.pid = 5, .cgroup = "0::/system.slice/docker-" + id + ".scope\n"});
  EXPECT_EQ(Name(5), "web-1");

  root_.Put({.pid = 20,
             .comm = "conmon",
             .executable = "/usr/bin/conmon",
             .arguments = {"/usr/bin/conmon", "--api-version", "1", "-c", id, "-u", id, "-n",
                           "pod-shop", "-P", "x"}});
  root_.Put({.pid = 21, .parent_pid = 20, .cgroup = "0::/machine.slice/libpod-" + id + ".scope\n"});
  root_.Put({.pid = 22,
             .parent_pid = 21,
             .cgroup = "0::/machine.slice/libpod-" + id + ".scope/container\n"});
  EXPECT_EQ(Name(22), "pod-shop");

  const std::string other(64, 'b');
  root_.Write(
      "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + other + "/config.json",
      R"({"ociVersion":"1.0","annotations":{"x":"y","io.kubernetes.cri.container-name":"api"}})");
  root_.Put({.pid = 6, .cgroup = "0::/kubepods.slice/cri-containerd-" + other + ".scope\n"});
  EXPECT_EQ(Name(6), "api");
}

TEST_F(ProcessTableTest, AKnownPidIsCheap) {
  root_.Put({.pid = 5});
  table().Find(5);
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kTimes = 200'000;
  std::uint64_t sum = 0;
  for (int i = 0; i < kTimes; ++i) sum += table().Find(5).info.pid;
  const auto each = (std::chrono::steady_clock::now() - begin) / kTimes;
  EXPECT_EQ(sum, 5ull * kTimes);
  RecordProperty("ns_each", static_cast<int>(std::chrono::nanoseconds(each).count()));
  // Loose: sanitizers and busy machines. It says "no file was read".
  EXPECT_LT(each, std::chrono::microseconds(5));
}

// A table that knows one node's pods; they are put in by hand.
class PodProcessTest : public ProcessTableTest {
 protected:
  PodProcessTest() { config_.pods = &pods_; }
  static constexpr const char* kUid = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f";

  FakeProcess InPod(std::uint32_t pid) {
    return {.pid = pid,
            .cgroup = std::string("0::/kubepods/pod") + kUid + "/" + std::string(64, 'a') + "\n",
            .inner_pid = 1};
  }
  // By the fields that PodFields lists.
  void Tell(const std::string& name, const std::string& container = {}) {
    kube::Object object;
    const auto& fields = kube::PodFields();
    const auto put = [&](std::string_view path, const std::string& value) {
      const auto at = std::find(fields.begin(), fields.end(), path);
      ASSERT_NE(at, fields.end());
      object.fields.push_back(
          {.path = static_cast<std::size_t>(at - fields.begin()), .value = value});
    };
    put("metadata.uid", kUid);
    put("metadata.name", name);
    put("metadata.namespace", "shop");
    put("spec.nodeName", "n1");
    put("metadata.ownerReferences[].kind", "StatefulSet");
    put("metadata.ownerReferences[].name", "db");
    put("metadata.ownerReferences[].controller", "true");
    if (!container.empty()) {
      put("status.containerStatuses[].name", container);
      put("status.containerStatuses[].containerID", "containerd://" + std::string(64, 'a'));
    }
    pods_.OnObject(object);
  }
  double Counted(const char* result) const {
    return Value("wirespan_kube_processes_total", {{"result", result}});
  }

  wirespan::testing::FakeClock clock_;
  kube::PodTable pods_{{.node = "n1"}, clock_, registry_};
};

TEST_F(PodProcessTest, NamesAProcessByItsPod) {
  Tell("db-0", "postgres");
  root_.Put(InPod(5));
  const Process& process = table().Find(5);
  EXPECT_EQ(process.service.name, "db");
  EXPECT_EQ(process.info.kubernetes.pod->name, "db-0");
  EXPECT_EQ(process.info.kubernetes.container, "postgres");
  EXPECT_EQ(Counted("known"), 1);
  EXPECT_EQ(Counted("unknown"), 0);
}

TEST_F(PodProcessTest, NamesItAgainWhenMoreIsTold) {
  root_.Put(InPod(5));
  EXPECT_EQ(Name(5), "shop");
  EXPECT_EQ(Counted("unknown"), 1);
  Tell("db-0");
  Move(kSecond);
  EXPECT_EQ(table().TakeRevised(), std::vector<std::uint32_t>{5});
  EXPECT_EQ(Name(5), "db");
  EXPECT_EQ(Counted("revised"), 1);
  EXPECT_EQ(table().Find(5).info.kubernetes.container, "");
  Tell("db-0", "postgres");
  Move(kSecond);
  EXPECT_EQ(table().Find(5).info.kubernetes.container, "postgres");
  Move(kSecond);
  EXPECT_EQ(table().TakeRevised().size(), 1u);
  Move(kSecond);
  EXPECT_TRUE(table().TakeRevised().empty());
}

TEST_F(PodProcessTest, AnswersOfTheFilterFollowThePod) {
  config_.filter.exclude = {{.pod_namespace = "shop"}};
  root_.Put(InPod(5));
  EXPECT_TRUE(table().Find(5).filter.observed);
  Tell("db-0");
  Move(kSecond);
  EXPECT_FALSE(table().Find(5).filter.observed);
}

TEST_F(PodProcessTest, AProcessKeepsThePodThatItHad) {
  Tell("db-0", "postgres");
  root_.Put(InPod(5));
  EXPECT_EQ(Name(5), "db");
  pods_.OnList();
  pods_.OnListed();  // it is gone
  clock_.Advance(1000 * kSecond);
  pods_.OnList();
  pods_.OnListed();
  ASSERT_EQ(pods_.Find(kUid, "").pod, nullptr);
  Move(kSecond);
  TableConfig again = config_;
  table().Reconfigure(again);
  EXPECT_EQ(Name(5), "db");
  // One that dies before its pod is told is named by what was kept of it.
  FakeProcess other = InPod(6);
  root_.Put(other);
  EXPECT_EQ(Name(6), "shop");
  root_.Remove(6);
  table().OnExit(6, now_);
  Tell("db-0");
  Move(kSecond);
  EXPECT_EQ(Name(6, now_ - 2 * kSecond), "db");
}

}  // namespace
}  // namespace wirespan::process
