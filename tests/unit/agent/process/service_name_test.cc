#include "agent/process/service_name.h"

#include <gtest/gtest.h>

namespace wirespan::process {
namespace {

// A process that has a name of every kind.
ProcessInfo Everything() {
  ProcessInfo info;
  info.executable = "/usr/bin/python3.11";
  info.arguments = {"python3", "script.py"};
  info.program = DescribeProgram(info.executable, info.arguments);
  info.comm = "python3";
  info.placement = ParseCgroupPath("/system.slice/unit@1.service");
  info.container_name = "container";
  info.otel = {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=attribute,service.namespace=space"},
               {"OTEL_SERVICE_NAME", "variable"}};
  return info;
}

TEST(ServiceNameTest, AsksInTheStatedOrder) {
  ProcessInfo info = Everything();
  std::vector<ServiceRule> rules = {{.match = {.executable = "other"}, .name = "wrong"},
                                    {.match = {.executable = "python3*"}, .name = "rule"}};
  auto pod = std::make_shared<kube::Pod>();
  pod->annotations = {{"resource.opentelemetry.io/service.name", "annotation"}};
  pod->labels = {{"app.kubernetes.io/name", "label"}};
  pod->workload = {kube::WorkloadKind::kDeployment, "workload", "workload-1"};
  info.kubernetes = {pod, "pods-container"};
  const auto expect = [&](const char* name, NameSource source) {
    const ServiceName service = NameService(rules, info);
    EXPECT_EQ(service.name, name);
    EXPECT_EQ(service.source, source);
  };
  expect("rule", NameSource::kConfigRule);
  rules.clear();
  expect("variable", NameSource::kEnvironment);
  info.otel.pop_back();
  expect("attribute", NameSource::kEnvironment);
  info.otel.clear();
  expect("annotation", NameSource::kPodAnnotation);
  pod->annotations.clear();
  expect("label", NameSource::kPodLabel);
  pod->labels.clear();
  expect("workload", NameSource::kWorkload);
  pod->workload = {};
  expect("pods-container", NameSource::kContainer);
  info.kubernetes = {};
  expect("container", NameSource::kContainer);
  info.container_name.clear();
  expect("unit", NameSource::kSystemdUnit);
  info.placement = {};
  expect("script", NameSource::kProgram);
  info.program = DescribeProgram(info.executable, {"python3"});
  expect("python3.11", NameSource::kExecutable);
  info.program = {};
  expect("python3", NameSource::kExecutable);
  info.comm.clear();
  expect("unknown_service", NameSource::kUnknown);
}

TEST(ServiceNameTest, TakesTheNamespaceOfThePodLast) {
  ProcessInfo info = Everything();
  auto pod = std::make_shared<kube::Pod>();
  pod->name_space = "kube-space";
  pod->annotations = {{"resource.opentelemetry.io/service.namespace", "annotated"}};
  info.kubernetes.pod = pod;
  EXPECT_EQ(NameService({}, info).name_space, "space");
  info.otel.clear();
  EXPECT_EQ(NameService({}, info).name_space, "annotated");
  pod->annotations.clear();
  EXPECT_EQ(NameService({}, info).name_space, "kube-space");
}

TEST(ServiceNameTest, TakesTheNamespaceFromTheRuleOrTheProcess) {
  const ProcessInfo info = Everything();
  EXPECT_EQ(NameService({}, info).name_space, "space");
  const std::vector<ServiceRule> rules = {
      {.match = {.executable = "python*"}, .name_space = "mine"}};
  const ServiceName service = NameService(rules, info);
  EXPECT_EQ(service.name_space, "mine");
  EXPECT_EQ(service.name, "variable");
}

TEST(ServiceNameTest, ReadsTheJavaAgentsProperty) {
  ProcessInfo info;
  info.arguments = {"java", "-Dotel.service.name=pay", "-jar", "x.jar"};
  info.program = DescribeProgram("/usr/bin/java", info.arguments);
  EXPECT_EQ(NameService({}, info).name, "pay");
  EXPECT_EQ(NameService({}, info).source, NameSource::kEnvironment);
}

TEST(ServiceNameTest, UnitsThatRunOthersProgramsGiveNoName) {
  EXPECT_EQ(NameOfUnit("nginx.service"), "nginx");
  EXPECT_EQ(NameOfUnit("worker@2.service"), "worker");
  EXPECT_EQ(NameOfUnit("my-app.service"), "my-app");
  EXPECT_FALSE(NameOfUnit("cron.service"));
  EXPECT_FALSE(NameOfUnit("ssh@1-2.service"));
  EXPECT_FALSE(NameOfUnit("docker.service"));
  EXPECT_FALSE(NameOfUnit("x.scope"));
  ProcessInfo job;
  job.placement.systemd_unit = "cron.service";
  job.program = DescribeProgram("/usr/bin/backup", {"backup"});
  EXPECT_EQ(NameService({}, job).name, "backup");
}

TEST(ServiceNameTest, HostileNamesBecomeSane) {
  ProcessInfo info;
  info.otel = {{"OTEL_SERVICE_NAME", "a\x1b[31m\n" + std::string(5000, 'x')}};
  const std::string name = NameService({}, info).name;
  EXPECT_LE(name.size(), 255u);
  EXPECT_EQ(name.find_first_of("\n\x1b"), std::string::npos);
  info.otel = {{"OTEL_SERVICE_NAME", "\xff\xfe\n"}};
  info.comm = "../../etc";
  EXPECT_EQ(NameService({}, info).name, "..-..-etc");
}

}  // namespace
}  // namespace wirespan::process
