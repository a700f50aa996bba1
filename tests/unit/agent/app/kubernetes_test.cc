#include "agent/app/kubernetes.h"

#include <gtest/gtest.h>

#include <map>

#include "agent/app/config_load.h"

namespace wirespan::app {
namespace {

KubernetesPlan Plan(const KubernetesConfig& config, std::map<std::string, std::string> variables) {
  return PlanKubernetes(config, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

const std::map<std::string, std::string> kPod = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                                 {"KUBERNETES_SERVICE_PORT", "443"},
                                                 {"NODE_NAME", "n1"}};

TEST(KubernetesPlanTest, AsksWhereItRunsInAPod) {
  const auto plan = Plan({}, kPod);
  EXPECT_TRUE(plan.possible());
  EXPECT_EQ(plan.node_name, "n1");
  EXPECT_EQ(plan.access.server, "https://10.0.0.1:443");
  EXPECT_FALSE(plan.access.token_file.empty());
  EXPECT_EQ(WatchOptionsOf(plan).field_selector, "spec.nodeName=n1");
  EXPECT_FALSE(Plan({}, {{"NODE_NAME", "n1"}}).wanted);
  EXPECT_FALSE(Plan({.enabled = "off"}, kPod).wanted);
}

TEST(KubernetesPlanTest, SaysWhatIsMissing) {
  auto variables = kPod;
  variables.erase("NODE_NAME");
  const auto nameless = Plan({}, variables);
  EXPECT_TRUE(nameless.wanted);
  EXPECT_FALSE(nameless.possible());
  EXPECT_NE(nameless.why_not.find("NODE_NAME"), std::string::npos);
  variables["K8S_NODE_NAME"] = "n2";
  EXPECT_EQ(Plan({}, variables).node_name, "n2");
  const auto alone = Plan({.enabled = "on", .node_name = "n1"}, {});
  EXPECT_TRUE(alone.wanted);
  EXPECT_NE(alone.why_not.find("kubernetes.server"), std::string::npos);
}

TEST(KubernetesPlanTest, TheConfigurationWins) {
  const auto plan = Plan(
      {.node_name = "n9", .server = "http://127.0.0.1:8001/", .token_file = "t", .ca_file = "c"},
      kPod);
  EXPECT_EQ(plan.node_name, "n9");
  EXPECT_EQ(plan.access.server, "http://127.0.0.1:8001");
  EXPECT_EQ(plan.access.token_file, "t");
  EXPECT_EQ(plan.access.ca_file, "c");
  // Another server gets no token that was not meant for it.
  EXPECT_EQ(Plan({.server = "http://127.0.0.1:8001"}, kPod).access.token_file, "");
}

TEST(KubernetesPlanTest, BadValuesAreRefusedWithTheirPlace) {
  const auto errors = [](const std::string& text) {
    const auto config = ParseConfig("agent.yaml", text);
    return config ? std::string() : config.error().message;
  };
  EXPECT_NE(errors("kubernetes: {server: nonsense}").find("agent.yaml:1:"), std::string::npos);
  EXPECT_NE(errors("kubernetes: {pod_labels: ['a[']}").find("agent.yaml:1:"), std::string::npos);
  EXPECT_NE(errors("capture: {filter: {exclude: [{pod_labels: {a: 'b['}}]}}").find("a: "),
            std::string::npos);
  EXPECT_NE(errors("kubernetes: {enabled: maybe}").find("auto"), std::string::npos);
}

}  // namespace
}  // namespace wirespan::app
