#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/glob.h"
#include "common/config/secret.h"
#include "common/config/value.h"

namespace wirespan::config {

// What the nodes of one document share.
struct ReadContext {
  std::vector<Problem> problems{};
  std::map<const Value*, std::set<std::string, std::less<>>> asked{};  // keys looked up in a map
};

// A place in the configuration, with typed reads. An absent or null place reads as the fallback; a
// wrong one adds a problem "file:line:column: sentence" and reads as the fallback too. A small
// view: copy it freely, don't outlive the document. One thread.
class Node {
 public:
  Node(const Value* value, Mark mark, std::string path, ReadContext* context)
      : value_(value), mark_(std::move(mark)), path_(std::move(path)), context_(context) {}

  bool present() const { return value_ != nullptr; }  // written, even if null
  bool null() const { return value_ == nullptr || value_->kind == Value::Kind::kNull; }
  bool is_map() const { return value_ != nullptr && value_->kind == Value::Kind::kMap; }
  bool is_list() const { return value_ != nullptr && value_->kind == Value::Kind::kList; }
  bool is_scalar() const { return value_ != nullptr && value_->kind == Value::Kind::kScalar; }
  const Mark& mark() const { return mark_; }
  const std::string& path() const { return path_; }  // "export.retry.interval"
  const Value* value() const { return value_; }

  // The place of a key in this map. Also makes the key a known one. Something else than a map here
  // is a problem.
  Node operator[](std::string_view key) const;
  // Adds a problem for each key that was never asked for, with the nearest one that was.
  void RefuseOthers() const;
  // Makes a key known without reading it.
  void Allow(std::string_view key) const;

  // In the order written; empty, with a problem, if this is something else. Entries() makes all
  // keys known.
  std::vector<std::pair<std::string, Node>> Entries() const;
  std::vector<Node> Items() const;

  std::string String(std::string_view fallback = {}) const;
  SecretString Secret() const;
  bool Bool(bool fallback) const;
  std::int64_t Int(std::int64_t fallback,
                   std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                   std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  double Number(double fallback, double min = std::numeric_limits<double>::lowest(),
                double max = std::numeric_limits<double>::max()) const;
  // Negative ones are refused.
  std::chrono::nanoseconds Duration(
      std::chrono::nanoseconds fallback,
      std::chrono::nanoseconds min = std::chrono::nanoseconds(0)) const;
  std::uint64_t Size(std::uint64_t fallback, std::uint64_t min = 0,
                     std::uint64_t max = std::numeric_limits<std::int64_t>::max()) const;
  // A list of texts; a single text is a list of one.
  std::vector<std::string> Strings(std::vector<std::string> fallback = {}) const;
  // The same, each a pattern (common/base/glob.h).
  GlobSet Globs() const;
  // A map of texts.
  std::vector<std::pair<std::string, std::string>> StringMap() const;
  // One of several words; a problem lists them.
  template <class Enum>
  Enum Choice(Enum fallback,
              std::initializer_list<std::pair<std::string_view, Enum>> choices) const {
    std::vector<std::string_view> words;
    for (const auto& choice : choices) words.push_back(choice.first);
    const std::string* word = ChoiceText(words);
    if (word == nullptr) return fallback;
    for (const auto& choice : choices) {
      if (choice.first == *word) return choice.second;
    }
    return fallback;
  }
  // The word if it is one of `words`; null if absent or, with a problem, another.
  const std::string* ChoiceText(const std::vector<std::string_view>& words) const;

  // Adds a problem of the caller's own at this place.
  void Fail(std::string sentence) const;
  // The same at the name of a key in this map, for what is wrong with the name or its absence of
  // content. At this place if there is no such key.
  void FailAtKey(std::string_view key, std::string sentence) const;
  // The same anywhere in the document, for what can be judged only once all of it was read.
  void FailAt(Mark mark, std::string sentence) const;

 private:
  // The scalar's text; null if absent or null, or (with a problem naming `expected`) no scalar.
  const std::string* Text(std::string_view expected, bool quotes_allowed) const;
  template <class T, class Parse>
  T Read(T fallback, std::string_view expected, bool quotes_allowed, Parse parse) const;

  const Value* value_;
  Mark mark_;  // of the value, or of what should hold it
  std::string path_;
  ReadContext* context_;
};

}  // namespace wirespan::config
