#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/node.h"

// Keys declared once, as data: what the program reads, what it refuses, and what
// docs/configuration.md must explain come from the same table.
//
//   const Key kKeys = Group("", "", {
//       Group("export", "Where spans go.", {
//           {.name = "endpoint", .type = Type::kString, .default_text = "localhost:4317", .help =
//           "..."},
//           {.name = "timeout", .type = Type::kDuration, .default_text = "10s", .help = "..."}})});
//
//   Section settings(kKeys, document.root());
//   settings.Check();                               // types, ranges, choices, unknown keys: all at
//   once settings.Duration("export.timeout");            // what is written, else the declared
//   default
namespace wirespan::config {

enum class Type : unsigned char {
  kGroup,  // a map with the children as its keys
  kList,   // a list whose items are maps with the children as their keys
  kMap,    // a map of any names to maps with the children as their keys
  kString,
  kSecret,
  kBool,
  kInt,
  kNumber,
  kDuration,
  kSize,
  kChoice,     // one of `choices`
  kStrings,    // a list of texts
  kGlobs,      // a list of patterns
  kStringMap,  // a map of texts
  kAny,        // not checked; read it by Node
};
std::string_view TypeName(Type type);  // "duration", "list of patterns"

struct Key {
  std::string name{};
  Type type = Type::kString;
  std::string default_text{};  // as it would be written; empty: none (0, false, "", empty list)
  std::string help{};          // one sentence
  std::vector<std::string> choices{};
  std::optional<double> min{};  // of numbers; bytes of sizes; seconds of durations
  std::optional<double> max{};
  std::vector<Key> children{};
};

Key Group(std::string name, std::string help, std::vector<Key> children);

struct KeyLine {
  std::string path{};  // "export.timeout", "routes[].service", "headers.*.value"
  const Key* key = nullptr;
};
// All keys below, depth first, in the order declared. Points into `root`.
std::vector<KeyLine> Flatten(const Key& root);

// A group of keys with what the file says about them. Paths are dotted and must be declared
// (asserted). `keys` must outlive the section, which like Node is a view of its document.
class Section {
 public:
  Section(const Key& keys, Node node) : keys_(&keys), node_(std::move(node)) {}

  void Check() const;

  bool present(std::string_view path) const;  // written and not null
  std::string String(std::string_view path) const;
  SecretString Secret(std::string_view path) const;
  bool Bool(std::string_view path) const;
  std::int64_t Int(std::string_view path) const;
  double Number(std::string_view path) const;
  std::chrono::nanoseconds Duration(std::string_view path) const;
  std::uint64_t Size(std::string_view path) const;
  std::vector<std::string> Strings(std::string_view path) const;
  GlobSet Globs(std::string_view path) const;
  std::vector<std::pair<std::string, std::string>> StringMap(std::string_view path) const;
  Section Child(std::string_view path) const;                                         // kGroup
  std::vector<Section> Items(std::string_view path) const;                            // kList
  std::vector<std::pair<std::string, Section>> Entries(std::string_view path) const;  // kMap

  Node node(std::string_view path) const;  // for problems of the caller's own
  const Key& keys() const { return *keys_; }

 private:
  const Key& Find(std::string_view path, Type type) const;

  const Key* keys_;
  Node node_;
};

}  // namespace wirespan::config
