#include "gateway/app/load_attributes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/strings.h"
#include "common/otlp/walk.h"
#include "common/otlp/wire.h"
#include "gateway/app/load_components.h"
#include "gateway/pipeline/any_value.h"

namespace wirespan::gateway {

namespace {

using config::Node;
using config::Value;
using Kind = AttributeAction::Kind;

// YAML's types: quoted is text; else true, 1, 1.5 are what they look like.
void AppendValue(std::string& out, const Value& value, int depth) {
  if (depth > otlp::kMaxValueDepth) return;
  switch (value.kind) {
    case Value::Kind::kNull:
      return;
    case Value::Kind::kList: {
      std::string list;
      for (const Value& item : value.list) {
        std::string each;
        AppendValue(each, item, depth + 1);
        otlp::AppendBytesField(list, 1, each);
      }
      otlp::AppendBytesField(out, 5, list);
      return;
    }
    case Value::Kind::kMap: {
      std::string map;
      for (const Value::Entry& entry : value.map) {
        std::string pair;
        otlp::AppendBytesField(pair, 1, entry.key);
        std::string each;
        AppendValue(each, entry.value, depth + 1);
        otlp::AppendBytesField(pair, 2, each);
        otlp::AppendBytesField(map, 1, pair);
      }
      otlp::AppendBytesField(out, 6, map);
      return;
    }
    case Value::Kind::kScalar:
      break;
  }
  const std::string& text = value.text;
  if (!value.quoted) {
    if (text == "true" || text == "false")
      return AppendAnyValue(out, AnyValue::Bool(text == "true"));
    if (const auto number = ParseInt(text)) return AppendAnyValue(out, AnyValue::Int(*number));
    if (const auto number = ParseDouble(text)) {
      return AppendAnyValue(out, AnyValue::Double(*number));
    }
  }
  AppendAnyValue(out, AnyValue::String(text));
}

std::optional<std::string> ReadValue(const Node& node) {
  if (node.null()) return std::nullopt;
  std::string message;
  AppendValue(message, *node.value(), 0);
  return message;
}

std::optional<Pattern> ReadPattern(const Node& node) {
  const std::string text = node.String();
  if (text.empty()) return std::nullopt;
  auto pattern = Pattern::Compile(text);
  if (!pattern) {
    node.Fail(pattern.error().message);
    return std::nullopt;
  }
  return *pattern;
}

// The Collector takes action names in either case.
Kind ReadKind(const Node& node) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 7> kKinds = {
      {{"insert", Kind::kInsert},
       {"update", Kind::kUpdate},
       {"upsert", Kind::kUpsert},
       {"delete", Kind::kDelete},
       {"hash", Kind::kHash},
       {"extract", Kind::kExtract},
       {"convert", Kind::kConvert}}};
  const std::string name = AsciiLower(node.String());
  for (const auto& [word, kind] : kKinds) {
    if (word == name) return kind;
  }
  node.Fail("action is one of insert, update, upsert, delete, hash, extract, convert");
  return Kind::kInsert;
}

void CheckAction(const Node& node, const AttributeAction& action) {
  const bool writes =
      action.kind == Kind::kInsert || action.kind == Kind::kUpdate || action.kind == Kind::kUpsert;
  const bool selects = action.kind == Kind::kDelete || action.kind == Kind::kHash;
  if (action.key.empty() && !(selects && action.pattern)) {
    node.Fail(selects ? "an action needs a key or a pattern" : "an action needs a key");
  }
  const int sources = (action.value ? 1 : 0) + (action.from_attribute.empty() ? 0 : 1) +
                      (action.from_context.empty() ? 0 : 1);
  if (writes && sources != 1) {
    node.Fail("this action needs exactly one of value, from_attribute and from_context");
  }
  if (!writes && sources > 0) {
    node.Fail("value, from_attribute and from_context are for insert, update and upsert");
  }
  if (action.kind == Kind::kExtract) {
    if (!action.pattern) {
      if (node["pattern"].null()) node.Fail("extract needs a pattern");
    } else if (action.pattern->groups().empty() ||
               std::count(action.pattern->groups().begin(), action.pattern->groups().end(), "")) {
      node["pattern"].Fail("every group of the pattern needs a name: (?P<name>...)");
    }
  } else if (action.pattern && !selects) {
    node["pattern"].Fail("a pattern is for delete, hash and extract");
  }
  if ((action.kind == Kind::kConvert) == node["converted_type"].null()) {
    node.Fail(action.kind == Kind::kConvert ? "convert needs a converted_type"
                                            : "converted_type is for convert");
  }
}

AttributeAction ReadAction(const Node& node) {
  using Type = AttributeAction::Type;
  AttributeAction action;
  action.key = node["key"].String();
  action.kind = ReadKind(node["action"]);
  action.value = ReadValue(node["value"]);
  action.from_attribute = node["from_attribute"].String();
  action.from_context = ReadContextKey(node["from_context"]);
  action.pattern = ReadPattern(node["pattern"]);
  action.converted_type =
      node["converted_type"].Choice<Type>(Type::kString, {{"string", Type::kString},
                                                          {"int", Type::kInt},
                                                          {"double", Type::kDouble},
                                                          {"bool", Type::kBool}});
  CheckAction(node, action);
  node.RefuseOthers();
  return action;
}

std::vector<AttributeAction> ReadActions(const Node& node, const Node& list) {
  std::vector<AttributeAction> actions;
  for (const Node& item : list.Items()) actions.push_back(ReadAction(item));
  if (actions.empty()) node.Fail("there must be at least one action");
  return actions;
}

std::optional<TextSet> ReadTexts(const Node& node, bool regexp) {
  const std::vector<std::string> texts = node.Strings();
  if (texts.empty()) return std::nullopt;
  auto set = TextSet::Create(regexp, texts);
  if (!set) {
    node.Fail(set.error().message);
    return std::nullopt;
  }
  return *set;
}

std::vector<MatchProperties::Attribute> ReadAttributes(const Node& list, bool regexp) {
  std::vector<MatchProperties::Attribute> attributes;
  for (const Node& item : list.Items()) {
    MatchProperties::Attribute attribute;
    attribute.key = item["key"].String();
    if (attribute.key.empty()) item.Fail("an attribute needs a key");
    const Node value = item["value"];
    if (regexp && !value.null()) {
      const std::string text = value.String();
      auto pattern = TextSet::Create(true, {text});
      if (pattern) {
        attribute.pattern = std::move(*pattern);
      } else {
        value.Fail(pattern.error().message);
      }
    } else {
      attribute.value = ReadValue(value);
    }
    item.RefuseOthers();
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

// A number, or one of the short names: TRACE, TRACE2, ..., FATAL4.
std::int64_t ReadSeverity(const Node& node) {
  const std::string text = node.String();
  if (const auto number = ParseInt(text); number && *number >= 0 && *number <= 24) return *number;
  constexpr std::array<std::string_view, 6> kNames = {"TRACE", "DEBUG", "INFO",
                                                      "WARN",  "ERROR", "FATAL"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!text.starts_with(kNames[i])) continue;
    const std::string_view rest = std::string_view(text).substr(kNames[i].size());
    const std::int64_t first = static_cast<std::int64_t>(4 * i) + 1;
    if (rest.empty()) return first;
    if (rest.size() == 1 && rest[0] >= '2' && rest[0] <= '4') return first + (rest[0] - '1');
  }
  node.Fail("a severity is 0 to 24 or TRACE, DEBUG, INFO, WARN, ERROR, FATAL, with 2 to 4 behind");
  return 0;
}

std::optional<MatchProperties> ReadMatch(const Node& node) {
  if (node.null()) return std::nullopt;
  const bool regexp = node["match_type"].Choice(false, {{"strict", false}, {"regexp", true}});
  if (node["match_type"].null()) node.Fail("match_type must be strict or regexp");
  const Node options = node["regexp"];  // of the Collector's cache, which RE2 does not need
  options["cacheenabled"].Bool(false);
  options["cachemaxnumentries"].Int(0);
  options.RefuseOthers();

  MatchProperties match;
  match.services = ReadTexts(node["services"], regexp);
  match.span_names = ReadTexts(node["span_names"], regexp);
  match.span_kinds = ReadTexts(node["span_kinds"], regexp);
  match.log_bodies = ReadTexts(node["log_bodies"], regexp);
  match.log_severity_texts = ReadTexts(node["log_severity_texts"], regexp);
  match.metric_names = ReadTexts(node["metric_names"], regexp);
  if (const Node severity = node["log_severity_number"]; !severity.null()) {
    MatchProperties::Severity number;
    number.min = ReadSeverity(severity["min"]);
    number.match_undefined = severity["match_undefined"].Bool(false);
    match.log_severity_number = number;
    severity.RefuseOthers();
  }
  match.attributes = ReadAttributes(node["attributes"], regexp);
  match.resources = ReadAttributes(node["resources"], regexp);
  for (const Node& item : node["libraries"].Items()) {
    MatchProperties::Library library;
    const auto name = ReadTexts(item["name"], regexp);
    if (!name && item["name"].null()) item.Fail("a library needs a name");
    if (name) library.name = *name;
    if (!item["version"].null()) {
      // An empty version is one to match: a scope without one.
      auto version = TextSet::Create(regexp, {item["version"].String()});
      if (version) {
        library.version = std::move(*version);
      } else {
        item["version"].Fail(version.error().message);
      }
    }
    item.RefuseOthers();
    match.libraries.push_back(std::move(library));
  }
  node.RefuseOthers();
  if (!match.services && !match.span_names && !match.span_kinds && !match.log_bodies &&
      !match.log_severity_texts && !match.log_severity_number && !match.metric_names &&
      match.attributes.empty() && match.resources.empty() && match.libraries.empty()) {
    node.Fail(
        "at least one property to match must be given: services, span_names, attributes, ...");
  }
  return match;
}

}  // namespace

AttributesOptions ReadAttributesProcessor(const Node& node) {
  AttributesOptions options;
  options.actions = ReadActions(node, node["actions"]);
  options.include = ReadMatch(node["include"]);
  options.exclude = ReadMatch(node["exclude"]);
  node.RefuseOthers();
  return options;
}

ResourceOptions ReadResourceProcessor(const Node& node) {
  ResourceOptions options;
  options.actions = ReadActions(node, node["attributes"]);
  node.RefuseOthers();
  return options;
}

}  // namespace wirespan::gateway
