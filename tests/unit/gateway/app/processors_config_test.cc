#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "common/config/document.h"
#include "gateway/app/config_loader.h"

namespace wirespan::gateway {
namespace {

using testing::HasSubstr;

// The document's lines begin at 1 with "processors:"; the processor's own at 3, column 5.
std::string With(const std::string& id, const std::string& settings) {
  return "processors:\n  " + id + ":\n" + settings +
         "\nreceivers: {otlp: {protocols: {grpc: }}}\nexporters: {debug: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], processors: [" +
         id + "], exporters: [debug]}}}\n";
}

Result<GatewayConfig> Read(const std::string& text) {
  const auto environment = [](const std::string&) { return std::optional<std::string>(); };
  return ReadConfig(config::Document::Parse({{"a.yaml", text}}, environment), "localhost");
}

template <class Options>
Options Loaded(const std::string& id, const std::string& settings) {
  auto config = Read(With(id, settings));
  EXPECT_TRUE(config) << config.error().message;
  if (!config) return {};
  return std::get<Options>(config->processors.at(id));
}

TEST(ProcessorsConfigTest, ReadsAttributes) {
  const auto options = Loaded<AttributesOptions>("attributes/1", R"yaml(
    include:
      match_type: regexp
      services: ["^shop"]
      span_names: [GET]
      attributes: [{key: a, value: "^x"}, {key: b}]
      libraries: [{name: lib, version: "1"}]
      regexp: {cacheenabled: true, cachemaxnumentries: 100}
    exclude:
      match_type: strict
      resources: [{key: n, value: 5}]
      log_severity_number: {min: WARN2, match_undefined: true}
    actions:
      - {key: s, value: "7", action: insert}
      - {key: i, value: 7, action: UPDATE}
      - {key: l, value: [a, 1.5, true, {m: x}], action: upsert}
      - {key: f, from_attribute: s, action: insert}
      - {key: c, from_context: Metadata.X-Tenant, action: insert}
      - {pattern: "^secret", action: delete}
      - {key: h, action: hash}
      - {key: url, pattern: "(?P<host>.*)", action: extract}
      - {key: n, converted_type: int, action: convert}
)yaml");
  ASSERT_EQ(options.actions.size(), 9u);
  EXPECT_EQ(options.actions[0].value,
            "\x0a\x01"
            "7");
  EXPECT_EQ(options.actions[1].value, "\x18\x07");
  EXPECT_EQ(options.actions[1].kind, AttributeAction::Kind::kUpdate);
  EXPECT_THAT(*options.actions[2].value, HasSubstr("\x0a\x01"
                                                   "a"));
  EXPECT_EQ(options.actions[4].from_context, "x-tenant");
  EXPECT_TRUE(options.actions[5].pattern);
  EXPECT_EQ(options.actions[8].converted_type, AttributeAction::Type::kInt);
  ASSERT_TRUE(options.include && options.exclude);
  EXPECT_TRUE(options.include->services->Matches("shop-1"));
  EXPECT_TRUE(options.include->attributes[0].pattern->Matches("xy"));
  EXPECT_FALSE(options.include->attributes[1].value);
  EXPECT_EQ(options.exclude->log_severity_number->min, 14);
}

TEST(ProcessorsConfigTest, ReadsK8sAttributes) {
  ::setenv("WIRESPAN_TEST_NODE", "n7", 1);
  const auto options = Loaded<K8sAttributesOptions>("k8sattributes/1", R"yaml(
    auth_type: none
    passthrough: false
    filter:
      node_from_env_var: WIRESPAN_TEST_NODE
      namespace: shop
      fields: [{key: status.phase, value: Running}, {key: metadata.name, value: x, op: not-equals}]
      labels: [{key: a, value: b}, {key: c, op: exists}, {key: d, op: does-not-exist}]
    extract:
      metadata: [k8s.pod.name, k8s.replicaset.uid, service.name, k8s.cluster.uid]
      labels:
        - {key: app, tag_name: my.app, from: pod}
        - {key_regex: "team/(.*)", tag_name: "$$1"}
        - {key: zone, from: node}
      annotations: [{key: build, from: namespace}]
      otel_annotations: true
      deployment_name_from_replicaset: true
      peers: true
    pod_association:
      - sources: [{from: resource_attribute, name: k8s.pod.ip}]
      - sources: [{from: resource_attribute, name: k8s.pod.name}, {from: connection}]
    exclude: {pods: [{name: "^x"}]}
    wait_for_metadata: true
    wait_for_metadata_timeout: 3s
    watch_sync_period: 5m
    pod_delete_grace_period: 1m
)yaml");
  EXPECT_EQ(options.watch.auth, KubeAuth::kNone);
  EXPECT_EQ(options.watch.node, "n7");
  EXPECT_EQ(options.watch.name_space, "shop");
  EXPECT_EQ(options.watch.field_selector, "spec.nodeName=n7,status.phase=Running,metadata.name!=x");
  EXPECT_EQ(options.watch.label_selector, "a=b,c,!d");
  EXPECT_EQ(options.watch.grace.count(), 60);
  EXPECT_EQ(options.wait.count(), 3000);
  ASSERT_EQ(options.extract.labels.size(), 3u);
  EXPECT_EQ(options.extract.labels[0].from, KubeKind::kPod);
  EXPECT_EQ(options.extract.labels[2].from, KubeKind::kNode);
  EXPECT_EQ(options.extract.annotations[0].from, KubeKind::kNamespace);
  EXPECT_EQ(options.extract.labels[1].tag_name, "$1");
  EXPECT_TRUE(options.extract.labels[1].key_pattern->Matches("team/x"));
  EXPECT_FALSE(options.extract.labels[1].key_pattern->Matches("a-team/x"));
  ASSERT_EQ(options.associations.size(), 2u);
  EXPECT_TRUE(options.associations[1].sources[1].connection);
  EXPECT_EQ(options.excluded.size(), 1u);
  EXPECT_TRUE(options.extract.peers && options.extract.otel_annotations);

  const auto defaults = Loaded<K8sAttributesOptions>("k8s_attributes", "    passthrough: false");
  EXPECT_EQ(defaults.watch.auth, KubeAuth::kServiceAccount);
  EXPECT_EQ(defaults.extract.metadata.size(), 6u);
  EXPECT_EQ(defaults.excluded.size(), 2u);
  EXPECT_EQ(defaults.wait.count(), 0);
}

TEST(ProcessorsConfigTest, RefusesWhatIsWrongInK8sAttributes) {
  const auto wrong = [](const std::string& settings) {
    const auto config = Read(With("k8sattributes", "    " + settings));
    return config ? std::string("no error") : config.error().message;
  };
  const std::string at = "a.yaml:3:";
  EXPECT_THAT(wrong("auth_type: tls"),
              HasSubstr(at + "16: auth_type tls is not there: kubeConfig takes a client's"));
  EXPECT_THAT(wrong("context: a"), HasSubstr("context is auth_type kubeConfig's"));
  EXPECT_THAT(wrong("extract: {metadata: [k8s.pod.nam]}"), HasSubstr("nothing that a pod has"));
  EXPECT_THAT(wrong("extract: {labels: [{key: a, from: secret}]}"), HasSubstr(at + "39: "));
  EXPECT_THAT(wrong("extract: {labels: [{key: a, key_regex: b}]}"), HasSubstr("one of key and"));
  EXPECT_THAT(wrong("extract: {labels: [{key_regex: \"(\"}]}"), HasSubstr("is no pattern"));
  EXPECT_THAT(wrong("filter: {node_from_env_var: WIRESPAN_NO_SUCH}"), HasSubstr("is not set"));
  EXPECT_THAT(wrong("filter: {labels: [{key: \"a,b\"}]}"), HasSubstr("a filter needs a key"));
  EXPECT_THAT(wrong("filter: {namespace: \"a/b\"}"), HasSubstr("no name of a node or namespace"));
  EXPECT_THAT(wrong("pod_association: [{sources: [{from: resource_attribute, name: foo}]}]"),
              HasSubstr("nothing that a pod is known by"));
  EXPECT_THAT(
      wrong(
          "pod_association: [{sources: [{from: resource_attribute, name: k8s.deployment.name}]}]"),
      HasSubstr("one of the sources must tell a pod"));
  EXPECT_THAT(wrong("pod_association: [{sources: []}]"), HasSubstr("1 to 4 sources"));
  EXPECT_THAT(wrong("pasthrough: true"), HasSubstr("passthrough"));
}

TEST(ProcessorsConfigTest, ReadsResourceFilterSamplerAndLimiter) {
  EXPECT_EQ(
      Loaded<ResourceOptions>("resource", "    attributes: [{key: a, value: b, action: upsert}]")
          .actions.size(),
      1u);
  const auto filter = Loaded<FilterOptions>("filter", R"(
    error_mode: propagate
    traces:
      span: ['name == "health"', 'kind == SPAN_KIND_CLIENT']
      spanevent: ['name == "e"']
    metrics: {metric: ['type == METRIC_DATA_TYPE_SUM'], datapoint: ['value_int == 0']}
    logs: {log_record: ['severity_number < SEVERITY_NUMBER_WARN'], resource: ['true']}
)");
  EXPECT_EQ(filter.error_mode, FilterOptions::ErrorMode::kPropagate);
  EXPECT_EQ(filter.span.size(), 2u);
  EXPECT_EQ(filter.data_point.size(), 1u);
  EXPECT_EQ(filter.resource[IndexOf(Signal::kLogs)].size(), 1u);

  const auto sampler = Loaded<SamplerOptions>(
      "probabilistic_sampler", "    {sampling_percentage: 15.3, hash_seed: 22, mode: equalizing}");
  EXPECT_FLOAT_EQ(sampler.sampling_percentage, 15.3f);
  EXPECT_EQ(sampler.hash_seed, 22u);
  EXPECT_TRUE(sampler.fail_closed);
  EXPECT_EQ(sampler.sampling_precision, 4);

  const auto limiter = Loaded<MemoryLimiterOptions>(
      "memory_limiter",
      "    {check_interval: 5s, limit_percentage: 80, spike_limit_percentage: 25}");
  EXPECT_EQ(limiter.limit_bytes, 0u);
  EXPECT_EQ(limiter.limit_percentage, 80u);
}

struct Mistake {
  const char* id;
  const char* settings;
  const char* error;
};

TEST(ProcessorsConfigTest, NamesThePlaceOfEachMistake) {
  const Mistake mistakes[] = {
      {"memory_limiter", "    {limit_mib: 5}", "a.yaml:3:5: memory_limiter needs a check_interval"},
      {"memory_limiter", "    {check_interval: 1s}",
       "a.yaml:3:5: memory_limiter needs limit_mib or limit_percentage"},
      {"memory_limiter", "    {check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}",
       "the spike limit must be less than the limit"},
      {"attributes", "    {actions: []}", "there must be at least one action"},
      {"attributes", "    actions: [{key: a, action: set}]",
       "a.yaml:3:32: action is one of insert, update"},
      {"attributes", "    actions: [{key: a, action: insert}]",
       "a.yaml:3:15: this action needs exactly one of value, from_attribute"},
      {"attributes", "    actions: [{action: delete}]", "an action needs a key or a pattern"},
      {"attributes", "    actions: [{key: a, action: delete, value: 1}]",
       "value, from_attribute and from_context are for insert"},
      {"attributes", "    actions: [{key: a, action: extract, pattern: '(x)'}]",
       "a.yaml:3:50: every group of the pattern needs a name"},
      {"attributes", "    actions: [{action: hash, pattern: '('}]",
       "a.yaml:3:39: \"(\" is no pattern: missing )"},
      {"attributes", "    actions: [{key: a, action: convert}]", "convert needs a converted_type"},
      {"attributes", "    include: {services: [a]}\n    actions: [{key: a, action: hash}]",
       "a.yaml:3:14: match_type must be strict or regexp"},
      {"attributes", "    include: {match_type: strict}\n    actions: [{key: a, action: hash}]",
       "a.yaml:3:14: at least one property to match must be given"},
      {"filter", "    traces:\n      span:\n        - 'nam == \"x\"'",
       "a.yaml:5:11: in the condition, line 1, column 1: there is no path nam (did you mean "
       "name?)"},
      {"filter", "    spans: {exclude: {match_type: strict}}",
       "a.yaml:3:5: spans with include and exclude is not supported: write conditions"},
      {"filter", "    metrics: {include: {match_type: strict}}",
       "a.yaml:3:15: include and exclude are not supported: write conditions"},
      {"filter", "    {error_mode: ignore}",
       "filter needs conditions below traces, metrics or logs"},
      {"probabilistic_sampler", "    {sampling_percentage: -1}", "a.yaml:3:27:"},
      {"batch", "    {metadata_keys: [X-Tenant, x-tenant]}",
       "a.yaml:3:21: \"x-tenant\" stands here twice"},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(std::string(mistake.id) + mistake.settings);
    const auto config = Read(With(mistake.id, mistake.settings));
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, HasSubstr(mistake.error));
  }
}

}  // namespace
}  // namespace wirespan::gateway
