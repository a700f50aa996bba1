#include "agent/process/filter.h"

#include <gtest/gtest.h>

#include "agent/process/glob.h"

namespace wirespan::process {
namespace {

ProcessInfo Nginx() {
  ProcessInfo info;
  info.pid = 10;
  info.executable = "/usr/sbin/nginx (deleted)";
  info.arguments = {"nginx:", "worker", "process"};
  info.placement.path = "/system.slice/nginx.service";
  info.placement.systemd_unit = "nginx.service";
  return info;
}

TEST(FilterTest, KnowsNamespacesPodsAndLabels) {
  ProcessInfo info = Nginx();
  const ProcessMatch system{.pod_namespace = "kube-*"};
  EXPECT_FALSE(Matches(system, info));  // in no pod, or in one that is not known
  auto pod = std::make_shared<kube::Pod>();
  pod->name_space = "kube-system";
  pod->name = "coredns-1";
  pod->labels = {{"app", "dns"}, {"tier", "infra"}};
  info.kubernetes.pod = pod;
  EXPECT_TRUE(Matches(system, info));
  EXPECT_FALSE(Matches({.pod_namespace = "shop"}, info));
  EXPECT_TRUE(Matches({.pod_name = "coredns-*"}, info));
  EXPECT_TRUE(Matches({.pod_labels = {{"app", "d*"}}}, info));
  EXPECT_TRUE(Matches({.pod_labels = {{"app", "dns"}, {"tier", "infra"}}}, info));
  EXPECT_FALSE(Matches({.pod_labels = {{"app", "dns"}, {"tier", "web"}}}, info));
  EXPECT_FALSE(Matches({.pod_labels = {{"none", "*"}}}, info));
  EXPECT_EQ(DescribeMatch({.pod_namespace = "a", .pod_name = "b", .pod_labels = {{"c", "d"}}}),
            "pod_namespace=a, pod_name=b, pod_labels.c=d");
  const FilterDecision decision = Decide({.exclude = {system}}, info);
  EXPECT_FALSE(decision.observed);
  EXPECT_EQ(decision.reason, FilterReason::kExcludeRule);
}

TEST(GlobTest, MatchesWholeTexts) {
  EXPECT_TRUE(GlobMatches("", ""));
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("a*c", "abbbc"));
  EXPECT_TRUE(GlobMatches("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(GlobMatches("?b?", "abc"));
  EXPECT_TRUE(GlobMatches("*.py*", "/x/y.py z"));
  EXPECT_TRUE(GlobMatches("a\\*", "a*"));
  EXPECT_TRUE(GlobMatches("***a***", "a"));
  EXPECT_FALSE(GlobMatches("a[", "a["));
  EXPECT_FALSE(GlobMatches("", "a"));
  EXPECT_FALSE(GlobMatches("a", ""));
  EXPECT_FALSE(GlobMatches("a\\*", "ab"));
  EXPECT_FALSE(GlobMatches("a?", "a"));
  EXPECT_FALSE(GlobMatches("a*b", "abc"));
}

TEST(GlobTest, EndsSoonOnPatternsMadeToBeSlow) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(GlobMatches(pattern + "b", std::string(100'000, 'a')));
}

TEST(GlobTest, ComparesNamesUnlessThereIsASlash) {
  EXPECT_TRUE(PathGlobMatches("nginx", "/usr/sbin/nginx"));
  EXPECT_TRUE(PathGlobMatches("/usr/*/nginx", "/usr/sbin/nginx"));
  EXPECT_FALSE(PathGlobMatches("sbin/nginx", "/usr/sbin/nginx"));
  EXPECT_FALSE(PathGlobMatches("sbin", "/usr/sbin/nginx"));
}

TEST(FilterTest, MatchesByEveryField) {
  ProcessInfo info = Nginx();
  info.placement.container_id = "4f3a99";
  info.container_name = "web-1";
  EXPECT_TRUE(Matches({.executable = "nginx"}, info));
  EXPECT_TRUE(Matches({.command_line = "nginx: worker*"}, info));
  EXPECT_TRUE(Matches({.pid = 10}, info));
  EXPECT_TRUE(Matches({.cgroup = "/system.slice/*"}, info));
  EXPECT_TRUE(Matches({.container_id = "4f3a"}, info));
  EXPECT_TRUE(Matches({.container_id = "*99"}, info));
  EXPECT_TRUE(Matches({.container_name = "web-*"}, info));
  EXPECT_TRUE(Matches({.systemd_unit = "nginx.*"}, info));
  EXPECT_TRUE(Matches({.executable = "nginx", .pid = 10}, info));
  EXPECT_FALSE(Matches({.executable = "nginx", .pid = 11}, info));
  EXPECT_FALSE(Matches({}, info));
  EXPECT_FALSE(Matches({.container_id = "*"}, Nginx()));
  EXPECT_FALSE(Matches({.container_name = "*"}, Nginx()));
}

TEST(FilterTest, DecidesInTheStatedOrder) {
  FilterConfig config;
  EXPECT_TRUE(Decide(config, Nginx()).observed);

  config.own_pid = 10;
  config.include = {{.pid = 10}};
  EXPECT_EQ(Decide(config, Nginx()).reason, FilterReason::kOwnAgent);

  config.own_pid = 1;
  EXPECT_EQ(Decide(config, Nginx()).reason, FilterReason::kIncludeRule);
  config.exclude = {{.executable = "apache2"}, {.executable = "nginx"}};
  const FilterDecision excluded = Decide(config, Nginx());
  EXPECT_FALSE(excluded.observed);
  EXPECT_EQ(excluded.reason, FilterReason::kExcludeRule);
  EXPECT_EQ(excluded.rule, 1u);
  EXPECT_EQ(DescribeDecision(config, excluded), "excluded by exclude rule 2 (executable=nginx)");

  config.exclude.clear();
  config.include = {{.executable = "other"}};
  EXPECT_EQ(Decide(config, Nginx()).reason, FilterReason::kNoIncludeRule);
}

TEST(FilterTest, LeavesTheGatewayOutUnlessItIsNamed) {
  ProcessInfo gateway;
  gateway.executable = "/usr/bin/wirespan-gateway";
  FilterConfig config;
  EXPECT_EQ(Decide(config, gateway).reason, FilterReason::kGateway);
  config.include = {{.executable = "wirespan-*"}};
  EXPECT_TRUE(Decide(config, gateway).observed);
}

TEST(FilterTest, AnAgentOfOnePodObservesThatAlone) {
  FilterConfig config{.include = {{.executable = "*"}}, .only_own_pod = true};
  ProcessInfo process;
  process.executable = "/app";
  process.placement = ParseCgroupPath("/../" + std::string(64, 'a'));
  EXPECT_EQ(Decide(config, process).reason, FilterReason::kOtherPod) << "ours can't be told";
  config.own_pod = PodScope::Of(ParseCgroupPath("/"));
  EXPECT_TRUE(Decide(config, process).observed);
  process.placement = ParseCgroupPath("/../../podX/" + std::string(64, 'a'));
  const FilterDecision decision = Decide(config, process);
  EXPECT_FALSE(decision.observed);
  EXPECT_EQ(DescribeDecision(config, decision),
            "excluded: only this agent's own pod is observed (capture.filter.own_pod)");
  process.placement = {};  // gone before it could be read
  EXPECT_FALSE(Decide(config, process).observed);
}

TEST(FilterTest, APodWithAnAgentOfItsOwnIsLeftOutWhateverTheRulesSay) {
  FilterConfig config{.include = {{.executable = "*"}}};
  config.left_out = {*PodScope::Of(ParseCgroupPath("/kubepods/podX/agent"))};
  ProcessInfo process;
  process.executable = "/app";
  process.placement = ParseCgroupPath("/kubepods/podX/app");
  EXPECT_EQ(Decide(config, process).reason, FilterReason::kOtherAgent);
  process.placement = ParseCgroupPath("/kubepods/podY/app");
  EXPECT_TRUE(Decide(config, process).observed);
}

}  // namespace
}  // namespace wirespan::process
