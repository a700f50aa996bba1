#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wirespan::config {

// Where something stands in a configuration. Lines and columns count from 1; line 0: the file as a
// whole.
struct Mark {
  std::shared_ptr<const std::string> file{};
  int line = 0;
  int column = 0;

  std::string text() const;  // "agent.yaml:3:7"
};

// A YAML value by itself: aliases resolved, merge keys applied, nothing typed yet.
struct Value {
  enum class Kind : unsigned char { kNull, kScalar, kMap, kList };
  struct Entry;

  Kind kind = Kind::kNull;
  Mark mark{};
  std::string text{};  // kScalar
  bool quoted =
      false;  // kScalar: written in quotes or as a block, so it is text and never a number
  std::vector<Entry> map;  // kMap, in the order written
  std::vector<Value> list;

  const Value* Find(std::string_view key) const;  // kMap; null if absent
};

// A null that stands there.
Value NullAt(Mark mark);

struct Value::Entry {
  std::string key{};
  Mark mark{};
  Value value{};
};

// One thing wrong with a configuration.
struct Problem {
  Mark mark{};
  std::string sentence{};
  std::string text() const;  // "agent.yaml:3:7: sentence"
};

}  // namespace wirespan::config
