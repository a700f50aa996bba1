#include "common/config/schema.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "common/base/strings.h"
#include "common/config/scalar.h"

namespace wirespan::config {
namespace {

std::int64_t IntLimit(const std::optional<double>& limit, std::int64_t otherwise) {
  return limit ? static_cast<std::int64_t>(*limit) : otherwise;
}

std::int64_t ReadInt(const Key& key, const Node& node) {
  return node.Int(ParseInteger(key.default_text).value_or(0),
                  IntLimit(key.min, std::numeric_limits<std::int64_t>::min()),
                  IntLimit(key.max, std::numeric_limits<std::int64_t>::max()));
}

double ReadNumber(const Key& key, const Node& node) {
  return node.Number(ParseNumber(key.default_text).value_or(0),
                     key.min.value_or(std::numeric_limits<double>::lowest()),
                     key.max.value_or(std::numeric_limits<double>::max()));
}

std::chrono::nanoseconds ReadDuration(const Key& key, const Node& node) {
  const auto fallback = ParseDuration(key.default_text).value_or(std::chrono::nanoseconds(0));
  const auto value =
      node.Duration(fallback, std::chrono::nanoseconds(std::llround(key.min.value_or(0) * 1e9)));
  if (key.max && value != fallback && static_cast<double>(value.count()) > *key.max * 1e9) {
    node.Fail("must be at most " +
              FormatDuration(std::chrono::nanoseconds(std::llround(*key.max * 1e9))));
    return fallback;
  }
  return value;
}

std::uint64_t ReadSize(const Key& key, const Node& node) {
  return node.Size(
      ParseSize(key.default_text).value_or(0), static_cast<std::uint64_t>(key.min.value_or(0)),
      static_cast<std::uint64_t>(IntLimit(key.max, std::numeric_limits<std::int64_t>::max())));
}

std::string ReadChoice(const Key& key, const Node& node) {
  const std::vector<std::string_view> words(key.choices.begin(), key.choices.end());
  const std::string* word = node.ChoiceText(words);
  return word == nullptr ? key.default_text : *word;
}

std::vector<std::string> DefaultList(const Key& key) {
  std::string_view text = TrimAscii(key.default_text);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> out;
  for (const std::string_view part : SplitList(text)) out.emplace_back(part);
  return out;
}

void CheckKeys(const std::vector<Key>& keys, const Node& node);

void CheckKey(const Key& key, const Node& node) {
  switch (key.type) {
    case Type::kGroup:
      CheckKeys(key.children, node);
      break;
    case Type::kList:
      for (const Node& item : node.Items()) CheckKeys(key.children, item);
      break;
    case Type::kMap:
      for (const auto& [name, entry] : node.Entries()) CheckKeys(key.children, entry);
      break;
    case Type::kString:
    case Type::kSecret:
      static_cast<void>(node.String());
      break;
    case Type::kBool:
      static_cast<void>(node.Bool(false));
      break;
    case Type::kInt:
      static_cast<void>(ReadInt(key, node));
      break;
    case Type::kNumber:
      static_cast<void>(ReadNumber(key, node));
      break;
    case Type::kDuration:
      static_cast<void>(ReadDuration(key, node));
      break;
    case Type::kSize:
      static_cast<void>(ReadSize(key, node));
      break;
    case Type::kChoice:
      static_cast<void>(ReadChoice(key, node));
      break;
    case Type::kStrings:
      static_cast<void>(node.Strings());
      break;
    case Type::kGlobs:
      static_cast<void>(node.Globs());
      break;
    case Type::kStringMap:
      static_cast<void>(node.StringMap());
      break;
    case Type::kAny:
      break;
  }
}

void CheckKeys(const std::vector<Key>& keys, const Node& node) {
  for (const Key& key : keys) CheckKey(key, node[key.name]);
  node.RefuseOthers();
}

void FlattenInto(const Key& key, const std::string& prefix, std::vector<KeyLine>& out) {
  for (const Key& child : key.children) {
    const std::string path = prefix + child.name;
    out.push_back({.path = path, .key = &child});
    const char* step = child.type == Type::kList ? "[]." : child.type == Type::kMap ? ".*." : ".";
    FlattenInto(child, path + step, out);
  }
}

}  // namespace

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kGroup:
      return "group";
    case Type::kList:
      return "list of groups";
    case Type::kMap:
      return "map of groups";
    case Type::kString:
      return "text";
    case Type::kSecret:
      return "secret text";
    case Type::kBool:
      return "boolean";
    case Type::kInt:
      return "whole number";
    case Type::kNumber:
      return "number";
    case Type::kDuration:
      return "duration";
    case Type::kSize:
      return "size";
    case Type::kChoice:
      return "choice";
    case Type::kStrings:
      return "list of texts";
    case Type::kGlobs:
      return "list of patterns";
    case Type::kStringMap:
      return "map of texts";
    case Type::kAny:
      return "anything";
  }
  return "";
}

Key Group(std::string name, std::string help, std::vector<Key> children) {
  return {.name = std::move(name),
          .type = Type::kGroup,
          .help = std::move(help),
          .children = std::move(children)};
}

std::vector<KeyLine> Flatten(const Key& root) {
  std::vector<KeyLine> out;
  FlattenInto(root, "", out);
  return out;
}

void Section::Check() const { CheckKeys(keys_->children, node_); }

const Key& Section::Find(std::string_view path, [[maybe_unused]] Type type) const {
  const Key* key = keys_;
  for (const std::string_view part : Split(path, '.')) {
    const auto found = std::find_if(key->children.begin(), key->children.end(),
                                    [&](const Key& child) { return child.name == part; });
    assert(found != key->children.end() && "the key is not declared");
    key = &*found;
  }
  assert(key->type == type || type == Type::kAny ||
         (type == Type::kString && key->type == Type::kChoice));
  return *key;
}

Node Section::node(std::string_view path) const {
  Node at = node_;
  for (const std::string_view part : Split(path, '.')) at = at[part];
  return at;
}

bool Section::present(std::string_view path) const {
  static_cast<void>(Find(path, Type::kAny));
  return !node(path).null();
}
std::string Section::String(std::string_view path) const {
  const Key& key = Find(path, Type::kString);
  return key.type == Type::kChoice ? ReadChoice(key, node(path))
                                   : node(path).String(key.default_text);
}
SecretString Section::Secret(std::string_view path) const {
  static_cast<void>(Find(path, Type::kSecret));
  return node(path).Secret();
}
bool Section::Bool(std::string_view path) const {
  return node(path).Bool(ParseBool(Find(path, Type::kBool).default_text).value_or(false));
}
std::int64_t Section::Int(std::string_view path) const {
  return ReadInt(Find(path, Type::kInt), node(path));
}
double Section::Number(std::string_view path) const {
  return ReadNumber(Find(path, Type::kNumber), node(path));
}
std::chrono::nanoseconds Section::Duration(std::string_view path) const {
  return ReadDuration(Find(path, Type::kDuration), node(path));
}
std::uint64_t Section::Size(std::string_view path) const {
  return ReadSize(Find(path, Type::kSize), node(path));
}
std::vector<std::string> Section::Strings(std::string_view path) const {
  return node(path).Strings(DefaultList(Find(path, Type::kStrings)));
}
GlobSet Section::Globs(std::string_view path) const {
  const Key& key = Find(path, Type::kGlobs);
  const Node at = node(path);
  if (!at.null()) return at.Globs();
  auto set = GlobSet::Compile(DefaultList(key));
  return set ? std::move(*set) : GlobSet();
}
std::vector<std::pair<std::string, std::string>> Section::StringMap(std::string_view path) const {
  static_cast<void>(Find(path, Type::kStringMap));
  return node(path).StringMap();
}
Section Section::Child(std::string_view path) const {
  return {Find(path, Type::kGroup), node(path)};
}
std::vector<Section> Section::Items(std::string_view path) const {
  const Key& key = Find(path, Type::kList);
  std::vector<Section> out;
  for (Node& item : node(path).Items()) out.emplace_back(key, std::move(item));
  return out;
}
std::vector<std::pair<std::string, Section>> Section::Entries(std::string_view path) const {
  const Key& key = Find(path, Type::kMap);
  std::vector<std::pair<std::string, Section>> out;
  for (auto& [name, entry] : node(path).Entries())
    out.emplace_back(name, Section(key, std::move(entry)));
  return out;
}

}  // namespace wirespan::config
