#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/pod.h"
#include "gateway/pipeline/kube_kind.h"
#include "gateway/pipeline/pattern.h"

// Labels and annotations of objects as attributes.
namespace wirespan::gateway {

// One entry of extract.labels or extract.annotations.
struct PodTextRule {
  std::string key{};
  std::optional<Pattern> key_pattern{};  // matches whole keys; without it `key` alone
  // The attribute's name. With a key_pattern that has groups it may refer to them: "$1", "${name}".
  // Empty: k8s.pod.labels.<key>, k8s.pod.annotations.<key>.
  std::string tag_name{};
  KubeKind from = KubeKind::kPod;
};

// Some rule takes a text of an object of this kind with this key.
bool WantsText(const std::vector<PodTextRule>& rules, KubeKind kind, std::string_view key);

// Calls for each text of an object of a kind that the rules take, in the rules' order, never with
// an empty value. `what`: "labels" or "annotations", for names.
void ForEachText(const kube::TextPairs& pairs, const std::vector<PodTextRule>& rules, KubeKind kind,
                 std::string_view what,
                 const std::function<void(std::string_view, std::string_view)>& each);

}  // namespace wirespan::gateway
