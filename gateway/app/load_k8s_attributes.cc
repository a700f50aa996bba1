#include "gateway/app/load_k8s_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

constexpr std::size_t kMaxSources = 4;  // the Collector's

std::optional<Pattern> ReadPattern(const Node& node, const std::string& text) {
  auto pattern = Pattern::Compile(text);
  if (pattern) return *pattern;
  node.Fail(pattern.error().message);
  return std::nullopt;
}

std::vector<std::string> ReadMetadata(const Node& node) {
  std::vector<std::string> names =
      node.Strings({"k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.pod.start_time",
                    "k8s.deployment.name", "k8s.node.name"});
  for (const std::string& name : names) {
    if (IsPodAttribute(name) || IsClusterAttribute(name)) continue;
    const std::string_view why = WhyNoPodAttribute(name);
    node.Fail(why.empty() ? fmt::format("\"{}\" is nothing that a pod has", name)
                          : fmt::format("\"{}\" can't be had: {}", name, why));
  }
  return names;
}

std::vector<PodTextRule> ReadTextRules(const Node& list) {
  std::vector<PodTextRule> rules;
  for (const Node& item : list.Items()) {
    PodTextRule rule;
    rule.key = item["key"].String();
    const Node pattern = item["key_regex"];
    const std::string text = pattern.String();
    rule.tag_name = item["tag_name"].String();
    rule.from = item["from"].Choice(KubeKind::kPod, {{"pod", KubeKind::kPod},
                                                     {"namespace", KubeKind::kNamespace},
                                                     {"node", KubeKind::kNode},
                                                     {"deployment", KubeKind::kDeployment},
                                                     {"statefulset", KubeKind::kStatefulSet},
                                                     {"daemonset", KubeKind::kDaemonSet},
                                                     {"job", KubeKind::kJob}});
    item.RefuseOthers();
    if (rule.key.empty() == text.empty()) item.Fail("one of key and key_regex must be given");
    if (!text.empty()) rule.key_pattern = ReadPattern(pattern, "^(?:" + text + ")$");
    rules.push_back(std::move(rule));
  }
  return rules;
}

PodExtraction ReadExtract(const Node& node) {
  PodExtraction extract;
  extract.metadata = ReadMetadata(node["metadata"]);
  extract.labels = ReadTextRules(node["labels"]);
  extract.annotations = ReadTextRules(node["annotations"]);
  extract.otel_annotations = node["otel_annotations"].Bool(false);
  // Deployments are always told by their ReplicaSets' names.
  node["deployment_name_from_replicaset"].Bool(true);
  extract.peers = node["peers"].Bool(false);
  node.RefuseOthers();
  return extract;
}

void Append(std::string& selector, const std::string& term) {
  if (!selector.empty()) selector += ',';
  selector += term;
}

// What stands in a selector as it is: nothing that could end a term.
bool IsPlain(const std::string& text) {
  return text.find_first_of(",=!()<> \t") == std::string::npos;
}

void ReadFieldFilters(const Node& list, std::string& selector) {
  for (const Node& item : list.Items()) {
    const std::string key = item["key"].String(), value = item["value"].String();
    const bool equal = item["op"].Choice(true, {{"equals", true}, {"not-equals", false}});
    item.RefuseOthers();
    if (key.empty() || !IsPlain(key) || !IsPlain(value)) {
      item.Fail("a filter needs a key, and neither key nor value may have , = ! ( ) < > in it");
    }
    Append(selector, key + (equal ? "=" : "!=") + value);
  }
}

void ReadLabelFilters(const Node& list, std::string& selector) {
  enum class Op : std::uint8_t { kEquals, kNotEquals, kExists, kAbsent };
  for (const Node& item : list.Items()) {
    const std::string key = item["key"].String(), value = item["value"].String();
    const Op op = item["op"].Choice(Op::kEquals, {{"equals", Op::kEquals},
                                                  {"not-equals", Op::kNotEquals},
                                                  {"exists", Op::kExists},
                                                  {"does-not-exist", Op::kAbsent}});
    item.RefuseOthers();
    if (key.empty() || !IsPlain(key) || !IsPlain(value)) {
      item.Fail("a filter needs a key, and neither key nor value may have , = ! ( ) < > in it");
    }
    switch (op) {
      case Op::kEquals:
        Append(selector, key + "=" + value);
        break;
      case Op::kNotEquals:
        Append(selector, key + "!=" + value);
        break;
      case Op::kExists:
        Append(selector, key);
        break;
      case Op::kAbsent:
        Append(selector, "!" + key);
        break;
    }
  }
}

void ReadFilter(const Node& node, PodWatchOptions& watch) {
  std::string name = node["node"].String();
  if (const std::string variable = node["node_from_env_var"].String(); !variable.empty()) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) {
      node["node_from_env_var"].Fail(fmt::format("the variable {} is not set", variable));
    } else {
      name = value;
    }
  }
  if (!name.empty()) Append(watch.field_selector, "spec.nodeName=" + name);
  watch.node = name;
  watch.name_space = node["namespace"].String();
  if (!IsPlain(name) || !IsPlain(watch.name_space) ||
      watch.name_space.find_first_of("/?#%") != std::string::npos) {
    node.Fail("that is no name of a node or namespace");
  }
  ReadFieldFilters(node["fields"], watch.field_selector);
  ReadLabelFilters(node["labels"], watch.label_selector);
  node.RefuseOthers();
}

std::vector<PodAssociation> ReadAssociations(const Node& list) {
  std::vector<PodAssociation> associations;
  for (const Node& item : list.Items()) {
    PodAssociation association;
    for (const Node& each : item["sources"].Items()) {
      PodSource source;
      source.connection =
          each["from"].Choice(false, {{"resource_attribute", false}, {"connection", true}});
      source.name = each["name"].String();
      each.RefuseOthers();
      if (each["from"].null()) each.Fail("from must be resource_attribute or connection");
      if (source.connection) {
        source.name.clear();
      } else if (source.name.empty()) {
        each.Fail("a resource_attribute needs a name");
      } else if (!IsPodAttribute(source.name) && !FindsPods(source)) {
        each["name"].Fail(fmt::format("\"{}\" is nothing that a pod is known by", source.name));
      }
      association.sources.push_back(std::move(source));
    }
    item.RefuseOthers();
    const auto& sources = association.sources;
    if (sources.empty() || sources.size() > kMaxSources) {
      item.Fail(fmt::format("an association has 1 to {} sources", kMaxSources));
    } else if (std::none_of(sources.begin(), sources.end(), FindsPods)) {
      item.Fail(
          "one of the sources must tell a pod: connection, k8s.pod.uid, k8s.pod.ip, k8s.pod.name "
          "or container.id");
    }
    associations.push_back(std::move(association));
  }
  return associations;
}

// Jaeger's agents and collectors pass on what others sent.
std::vector<Pattern> ReadExclude(const Node& node) {
  std::vector<Pattern> patterns;
  const Node pods = node["pods"];
  if (pods.null()) {
    for (const char* name : {"jaeger-agent", "jaeger-collector"}) {
      if (auto pattern = Pattern::Compile(name)) patterns.push_back(std::move(*pattern));
    }
  }
  for (const Node& item : pods.Items()) {
    const Node name = item["name"];
    const std::string text = name.String();
    if (text.empty()) item.Fail("a pod to exclude needs a name, which is a pattern");
    if (auto pattern = ReadPattern(name, text)) patterns.push_back(std::move(*pattern));
    item.RefuseOthers();
  }
  node.RefuseOthers();
  return patterns;
}

void ReadAuth(const Node& node, PodWatchOptions& watch) {
  const Node auth = node["auth_type"];
  if (auth.String() == "tls") {
    // The Collector takes the word and then stops.
    auth.Fail("auth_type tls is not there: kubeConfig takes a client's certificate");
  } else {
    watch.auth =
        auth.Choice(KubeAuth::kServiceAccount, {{"serviceAccount", KubeAuth::kServiceAccount},
                                                {"none", KubeAuth::kNone},
                                                {"kubeConfig", KubeAuth::kKubeConfig}});
  }
  watch.context = node["context"].String();
  if (!watch.context.empty() && watch.auth != KubeAuth::kKubeConfig) {
    node["context"].Fail("context is auth_type kubeConfig's");
  }
}

}  // namespace

K8sAttributesOptions ReadK8sAttributes(const Node& node) {
  K8sAttributesOptions options;
  ReadAuth(node, options.watch);
  options.passthrough = node["passthrough"].Bool(false);
  options.extract = ReadExtract(node["extract"]);
  ReadFilter(node["filter"], options.watch);
  options.associations = ReadAssociations(node["pod_association"]);
  options.excluded = ReadExclude(node["exclude"]);
  const bool waits = node["wait_for_metadata"].Bool(false);
  const auto wait = ReadDuration(node["wait_for_metadata_timeout"], std::chrono::seconds(10));
  if (waits) options.wait = std::max(wait, std::chrono::milliseconds(1));
  options.watch.grace = std::chrono::ceil<std::chrono::seconds>(
      node["pod_delete_grace_period"].Duration(options.watch.grace));
  node["watch_sync_period"].Duration(
      std::chrono::nanoseconds(0));  // a watch that is whole needs none
  node.RefuseOthers();
  return options;
}

}  // namespace wirespan::gateway
