#include "agent/process/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_proc.h"

namespace wirespan::process {
namespace {

const HostInfo kHost = {.name = "node1",
                        .id = "0123456789abcdef0123456789abcdef",
                        .arch = "amd64",
                        .kernel = "6.1",
                        .boot_id = "b"};

ProcessInfo Shop() {
  ProcessInfo info;
  info.pid = 42;
  info.parent_pid = 7;
  info.start_ticks = 5000;
  info.complete = true;
  info.executable = "/usr/bin/python3.11";
  info.arguments = {"python3", "shop.py", "--password=x"};
  info.program = DescribeProgram(info.executable, info.arguments);
  info.owner = "www-data";
  return info;
}

std::string Text(const ProcessResource& resource, std::string_view key) {
  const AttributeValue* value = FindAttribute(resource, key);
  if (value == nullptr) return "(absent)";
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(value)) return std::to_string(*number);
  return "(list)";
}

TEST(ResourceTest, SaysWhatIsKnownOfProcessAndHost) {
  const ProcessInfo info = Shop();
  const ProcessResource resource =
      BuildResource(info, NameService({}, info), kHost, {.version = "0.1"});
  EXPECT_EQ(resource.service_name, "shop");
  const std::vector<std::pair<const char*, const char*>> expected = {
      {"service.name", "shop"},
      {"process.pid", "42"},
      {"process.parent_pid", "7"},
      {"process.executable.name", "python3.11"},
      {"process.executable.path", "/usr/bin/python3.11"},
      {"process.owner", "www-data"},
      {"process.runtime.name", "cpython"},
      {"process.command_args", "(absent)"},
      {"host.name", "node1"},
      {"host.id", kHost.id.c_str()},
      {"host.arch", "amd64"},
      {"os.type", "linux"},
      {"container.id", "(absent)"},
      {"container.name", "(absent)"},
      {"service.namespace", "(absent)"},
      {"telemetry.sdk.name", "wirespan"},
      {"telemetry.sdk.language", "cpp"},
      {"telemetry.sdk.version", "0.1"},
      {"telemetry.distro.name", "wirespan"},
      {"telemetry.distro.version", "0.1"}};
  for (const auto& [key, value] : expected) EXPECT_EQ(Text(resource, key), value) << key;
  EXPECT_TRUE(std::is_sorted(resource.attributes.begin(), resource.attributes.end(),
                             [](const auto& a, const auto& b) { return a.first < b.first; }));
}

std::shared_ptr<kube::Pod> CartPod() {
  auto pod = std::make_shared<kube::Pod>();
  pod->name = "cart-7d9-x2";
  pod->name_space = "shop";
  pod->uid = "u1";
  pod->start_time = "2026-11-28T10:00:01Z";
  pod->workload = {kube::WorkloadKind::kDeployment, "cart", "cart-7d9"};
  pod->labels = {{"team", "a"}, {"app.kubernetes.io/version", "1.5"}, {"other", "b"}};
  pod->annotations = {{"resource.opentelemetry.io/deployment.environment.name", "prod"},
                      {"resource.opentelemetry.io/process.pid", "1"},
                      {"owner", "me"}};
  pod->containers = {{"app", "c1", "registry.example/cart:1.4"}};
  return pod;
}

TEST(ResourceTest, SaysWhereAPodsProcessRuns) {
  ProcessInfo info = Shop();
  info.inner_pid = 1;
  const auto pod = CartPod();
  info.kubernetes = {pod, "app"};
  ResourceOptions options{.node_name = "n1",
                          .pod_labels = *GlobSet::Compile({"team"}),
                          .pod_annotations = *GlobSet::Compile({"own*"})};
  const auto build = [&] { return BuildResource(info, NameService({}, info), kHost, options); };
  ProcessResource resource = build();
  const std::vector<std::pair<const char*, const char*>> expected = {
      {"service.name", "cart"},
      {"service.namespace", "shop"},
      {"service.version", "1.5"},
      {"service.instance.id", "shop.cart-7d9-x2.app"},
      {"k8s.node.name", "n1"},
      {"k8s.namespace.name", "shop"},
      {"k8s.pod.name", "cart-7d9-x2"},
      {"k8s.pod.uid", "u1"},
      {"k8s.pod.start_time", "2026-11-28T10:00:01Z"},
      {"k8s.container.name", "app"},
      {"container.name", "app"},
      {"k8s.deployment.name", "cart"},
      {"k8s.replicaset.name", "cart-7d9"},
      {"k8s.pod.label.team", "a"},
      {"k8s.pod.label.other", "(absent)"},
      {"k8s.pod.annotation.owner", "me"},
      {"deployment.environment.name", "prod"},
      {"process.pid", "42"}};
  for (const auto& [key, value] : expected) EXPECT_EQ(Text(resource, key), value) << key;

  // Another process of the same container is another instance.
  info.inner_pid = 17;
  EXPECT_EQ(Text(build(), "service.instance.id"), "shop.cart-7d9-x2.app.17");
  info.inner_pid = 0;
  EXPECT_EQ(Text(build(), "service.instance.id").size(), 36u);
  pod->labels.clear();
  EXPECT_EQ(Text(build(), "service.version"), "1.4");

  // What the process was told itself is replaced where it was observed, and stays otherwise.
  info.otel = {{"OTEL_RESOURCE_ATTRIBUTES",
                "k8s.pod.name=told,k8s.cluster.name=c,service.version=9,service.instance.id=i"}};
  resource = build();
  EXPECT_EQ(Text(resource, "k8s.pod.name"), "cart-7d9-x2");
  EXPECT_EQ(Text(resource, "k8s.cluster.name"), "c");
  EXPECT_EQ(Text(resource, "service.version"), "9");
  EXPECT_EQ(Text(resource, "service.instance.id"), "i");
  info.kubernetes = {};
  EXPECT_EQ(Text(build(), "k8s.pod.name"), "told");
}

TEST(ResourceTest, NamesEveryKindOfWorkload) {
  const std::vector<std::tuple<kube::Workload, const char*, const char*>> rows = {
      {{kube::WorkloadKind::kStatefulSet, "db", ""}, "k8s.statefulset.name", "db"},
      {{kube::WorkloadKind::kDaemonSet, "log", ""}, "k8s.daemonset.name", "log"},
      {{kube::WorkloadKind::kCronJob, "nightly", "nightly-29"}, "k8s.cronjob.name", "nightly"},
      {{kube::WorkloadKind::kCronJob, "nightly", "nightly-29"}, "k8s.job.name", "nightly-29"},
      {{kube::WorkloadKind::kJob, "load", ""}, "k8s.job.name", "load"},
      {{kube::WorkloadKind::kReplicaSet, "rs", ""}, "k8s.replicaset.name", "rs"},
      {{kube::WorkloadKind::kReplicationController, "rc", ""},
       "k8s.replicationcontroller.name",
       "rc"},
      {{}, "k8s.deployment.name", "(absent)"}};
  for (const auto& [workload, key, value] : rows) {
    ProcessInfo info = Shop();
    const auto pod = CartPod();
    pod->workload = workload;
    info.kubernetes.pod = pod;
    EXPECT_EQ(Text(BuildResource(info, NameService({}, info), kHost, {}), key), value) << key;
  }
}

TEST(ResourceTest, InstanceIdIsTheProcesssOwnForItsWholeLife) {
  const ProcessInfo info = Shop();
  const std::string id = InstanceId(info, kHost);
  EXPECT_EQ(id.size(), 36u);
  EXPECT_THAT(id,
              ::testing::MatchesRegex("[0-9a-f]+-[0-9a-f]+-8[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
  EXPECT_EQ(InstanceId(info, kHost), id);
  ProcessInfo other = info;
  other.start_ticks++;
  EXPECT_NE(InstanceId(other, kHost), id);
  HostInfo rebooted = kHost;
  rebooted.boot_id = "c";
  EXPECT_NE(InstanceId(info, rebooted), id);
}

TEST(ResourceTest, TakesTheProcesssOwnAttributesButNotOverWhatWasSeen) {
  ProcessInfo info = Shop();
  info.placement.container_id = "abc";
  info.container_name = "web";
  info.otel = {
      {"OTEL_RESOURCE_ATTRIBUTES",
       "service.version=1.2,service.namespace=pay,deployment.environment.name=prod,process.pid=1,"
       "host.name=evil,telemetry.sdk.name=x,container.id=fake,service.instance.id=mine,bad%0akey=v,"
       "service.version=again,line=a%0ab"}};
  const ProcessResource resource = BuildResource(info, NameService({}, info), kHost, {});
  EXPECT_EQ(Text(resource, "service.version"), "1.2");
  EXPECT_EQ(Text(resource, "service.namespace"), "pay");
  EXPECT_EQ(Text(resource, "deployment.environment.name"), "prod");
  EXPECT_EQ(Text(resource, "service.instance.id"), "mine");
  EXPECT_EQ(Text(resource, "process.pid"), "42");
  EXPECT_EQ(Text(resource, "host.name"), "node1");
  EXPECT_EQ(Text(resource, "container.id"), "abc");
  EXPECT_EQ(Text(resource, "container.name"), "web");
  EXPECT_EQ(Text(resource, "telemetry.sdk.name"), "wirespan");
  EXPECT_EQ(Text(resource, "line"), "a-b");
  for (std::size_t i = 1; i < resource.attributes.size(); ++i)
    EXPECT_NE(resource.attributes[i - 1].first, resource.attributes[i].first);
}

TEST(ResourceTest, ArgumentsOnlyWhenAskedFor) {
  const ProcessInfo info = Shop();
  const auto resource = BuildResource(info, NameService({}, info), kHost, {.command_args = true});
  const AttributeValue* value = FindAttribute(resource, "process.command_args");
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(std::get<std::vector<std::string>>(*value), info.arguments);
}

TEST(HostTest, ReadsTheTreeGiven) {
  process::testing::FakeRoot root;
  root.Write("/etc/hostname", "node7\n");
  root.Write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  root.Write("/proc/sys/kernel/random/boot_id", "1-2-3\n");
  root.Write("/etc/passwd",
             "root:x:0:0::/root:/bin/sh\nbroken\n:x:5:5::\nwww-data:x:33:33::/:/x\nnonum:x:a:1\n");
  const HostInfo host = ReadHost(root.path());
  EXPECT_EQ(host.name, "node7");
  EXPECT_EQ(host.id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(host.boot_id, "1-2-3");
  EXPECT_FALSE(host.arch.empty());
  const UserNames users = UserNames::Read(root.path());
  EXPECT_EQ(users.Find(33), "www-data");
  EXPECT_EQ(users.Find(0), "root");
  EXPECT_EQ(users.Find(5), "");
  EXPECT_EQ(ArchitectureName("aarch64"), "arm64");
}

TEST(HostTest, AnEmptyTreeLeavesFieldsEmpty) {
  process::testing::FakeRoot root;
  const HostInfo host = ReadHost(root.path());
  EXPECT_EQ(host.id, "");
  EXPECT_EQ(host.boot_id, "");
  EXPECT_FALSE(host.name.empty());  // uname's
  EXPECT_EQ(UserNames::Read(root.path()).Find(0), "");
}

TEST(ResourceTest, KnowsItsOwnPodWithoutTheApiServer) {
  ProcessInfo info = Shop();
  const auto with = [&](const ResourceOptions& options) {
    return BuildResource(info, NameService({}, info), kHost, options);
  };
  const ResourceOptions own{.own_pod = {.uid = "u-1", .name = "cart-1", .name_space = "shop"}};
  EXPECT_EQ(Text(with({}), "k8s.pod.uid"), "(absent)");
  EXPECT_EQ(Text(with(own), "k8s.pod.uid"), "u-1");
  EXPECT_EQ(Text(with(own), "k8s.pod.name"), "cart-1");
  EXPECT_EQ(Text(with(own), "k8s.namespace.name"), "shop");
  const std::string uid = "11111111-2222-3333-4444-555555555555";
  info.placement = ParseCgroupPath("/kubepods/pod" + uid + "/" + std::string(64, 'a'));
  EXPECT_EQ(Text(with({}), "k8s.pod.uid"), uid);
  EXPECT_EQ(Text(with({}), "k8s.pod.name"), "(absent)");
  // A static pod's group has the hash of its file.
  info.placement = ParseCgroupPath("/kubepods/pod" + std::string(32, 'b') + "/c");
  EXPECT_EQ(Text(with({}), "k8s.pod.uid"), "(absent)");
}

}  // namespace
}  // namespace wirespan::process
