#include "gateway/pipeline/text_rules.h"

#include <algorithm>

#include "common/base/strings.h"

namespace wirespan::gateway {

namespace {

// Go's Regexp.Expand: "$1", "${1}", "$name", "${name}", "$$"; a name that there is not is empty.
std::string Expand(std::string_view form, const std::vector<std::string>& names,
                   const std::vector<std::string_view>& groups, std::string_view whole) {
  std::string out;
  while (!form.empty()) {
    const std::size_t dollar = form.find('$');
    out += form.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    form.remove_prefix(dollar + 1);
    if (form.starts_with('$')) {
      out += '$';
      form.remove_prefix(1);
      continue;
    }
    const bool braced = form.starts_with('{');
    if (braced) form.remove_prefix(1);
    std::size_t size = 0;
    const auto part_of_name = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    while (size < form.size() && part_of_name(form[size])) ++size;
    const std::string_view name = form.substr(0, size);
    form.remove_prefix(size);
    if (braced && form.starts_with('}')) form.remove_prefix(1);
    if (const auto number = ParseUint(name)) {
      if (*number == 0) out += whole;
      if (*number >= 1 && *number <= groups.size()) out += groups[*number - 1];
      continue;
    }
    const auto found = std::find(names.begin(), names.end(), name);
    if (!name.empty() && found != names.end()) {
      out += groups[static_cast<std::size_t>(found - names.begin())];
    }
  }
  return out;
}

}  // namespace

bool WantsText(const std::vector<PodTextRule>& rules, KubeKind kind, std::string_view key) {
  return std::any_of(rules.begin(), rules.end(), [&](const PodTextRule& rule) {
    if (rule.from != kind) return false;
    return rule.key_pattern ? rule.key_pattern->Matches(key) : rule.key == key;
  });
}

void ForEachText(const kube::TextPairs& pairs, const std::vector<PodTextRule>& rules, KubeKind kind,
                 std::string_view what,
                 const std::function<void(std::string_view, std::string_view)>& each) {
  std::vector<std::string_view> groups;
  for (const PodTextRule& rule : rules) {
    if (rule.from != kind) continue;
    for (const auto& [key, value] : pairs) {
      if (value.empty()) continue;
      std::string name;
      if (rule.key_pattern) {
        if (!rule.key_pattern->Extract(key, groups)) continue;
        if (!groups.empty()) name = Expand(rule.tag_name, rule.key_pattern->groups(), groups, key);
      } else {
        if (rule.key != key) continue;
        name = rule.tag_name;
      }
      if (name.empty()) {
        name = "k8s.";
        name.append(NamesOf(kind).word).append(".").append(what).append(".").append(key);
      }
      each(name, value);
    }
  }
}

}  // namespace wirespan::gateway
