#include "common/config/node.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "common/config/scalar.h"

namespace wirespan::config {
namespace {

constexpr std::size_t kMaxProblems = 1000;

std::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "nothing";
    case Value::Kind::kScalar:
      return "a single value";
    case Value::Kind::kMap:
      return "a map";
    case Value::Kind::kList:
      return "a list";
  }
  return "something";
}

std::string Quote(std::string_view text) { return "\"" + ToUtf8(TruncateUtf8(text, 60)) + "\""; }

std::string Join(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

void Node::Fail(std::string sentence) const {
  if (context_->problems.size() < kMaxProblems)
    context_->problems.push_back({mark_, std::move(sentence)});
}

void Node::FailAtKey(std::string_view key, std::string sentence) const {
  Mark mark = mark_;
  if (is_map()) {
    for (const Value::Entry& entry : value_->map) {
      if (entry.key == key) mark = entry.mark;
    }
  }
  FailAt(std::move(mark), std::move(sentence));
}

void Node::FailAt(Mark mark, std::string sentence) const {
  Node(nullptr, std::move(mark), path_, context_).Fail(std::move(sentence));
}

Node Node::operator[](std::string_view key) const {
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  if (is_map()) {
    context_->asked[value_].emplace(key);
    for (const Value::Entry& entry : value_->map) {
      // A null's own mark is of no use to a reader; its key's is.
      if (entry.key == key) {
        return Node(&entry.value,
                    entry.value.kind == Value::Kind::kNull ? entry.mark : entry.value.mark, path,
                    context_);
      }
    }
  } else if (!null()) {
    // Once for this place, not once for each key.
    if (context_->asked[value_].emplace("").second) {
      Fail(fmt::format("expected a map with keys such as {}, not {}", Quote(key),
                       KindName(value_->kind)));
    }
  }
  return Node(nullptr, mark_, path, context_);
}

void Node::Allow(std::string_view key) const {
  if (is_map()) context_->asked[value_].emplace(key);
}

void Node::RefuseOthers() const {
  if (null()) return;
  if (!is_map()) {
    static_cast<void>((*this)["..."]);
    return;
  }
  const auto& asked = context_->asked[value_];
  const std::vector<std::string_view> known(asked.begin(), asked.end());
  for (const Value::Entry& entry : value_->map) {
    if (asked.contains(entry.key)) continue;
    std::string sentence = "unknown key " + Quote(entry.key);
    if (const auto near = Nearest(entry.key, known)) {
      sentence += fmt::format(" (did you mean \"{}\"?)", *near);
    } else if (known.empty()) {
      sentence += " (no keys are known here)";
    } else {
      sentence += fmt::format(" (known here: {})", Join(known));
    }
    if (context_->problems.size() < kMaxProblems)
      context_->problems.push_back({entry.mark, std::move(sentence)});
  }
}

std::vector<std::pair<std::string, Node>> Node::Entries() const {
  std::vector<std::pair<std::string, Node>> out;
  if (null()) return out;
  if (!is_map()) {
    Fail(fmt::format("expected a map, not {}", KindName(value_->kind)));
    return out;
  }
  for (const Value::Entry& entry : value_->map) out.emplace_back(entry.key, (*this)[entry.key]);
  return out;
}

std::vector<Node> Node::Items() const {
  std::vector<Node> out;
  if (null()) return out;
  if (!is_list()) {
    Fail(fmt::format("expected a list, not {}", KindName(value_->kind)));
    return out;
  }
  for (std::size_t i = 0; i < value_->list.size(); ++i) {
    out.emplace_back(&value_->list[i], value_->list[i].mark, fmt::format("{}[{}]", path_, i),
                     context_);
  }
  return out;
}

const std::string* Node::Text(std::string_view expected, bool quotes_allowed) const {
  if (null()) return nullptr;
  if (!is_scalar()) {
    Fail(fmt::format("expected {}, not {}", expected, KindName(value_->kind)));
    return nullptr;
  }
  if (value_->quoted && !quotes_allowed) {
    Fail(fmt::format("expected {}, not a text in quotes", expected));
    return nullptr;
  }
  return &value_->text;
}

template <class T, class Parse>
T Node::Read(T fallback, std::string_view expected, bool quotes_allowed, Parse parse) const {
  const std::string* text = Text(expected, quotes_allowed);
  if (text == nullptr) return fallback;
  auto value = parse(*text);
  if (value) return *value;
  Fail(std::move(value.error().message));
  return fallback;
}

std::string Node::String(std::string_view fallback) const {
  const std::string* text = Text("a text", true);
  return text == nullptr ? std::string(fallback) : *text;
}

SecretString Node::Secret() const { return SecretString(String()); }

bool Node::Bool(bool fallback) const { return Read(fallback, "true or false", false, ParseBool); }

std::int64_t Node::Int(std::int64_t fallback, std::int64_t min, std::int64_t max) const {
  const std::int64_t value = Read(fallback, "a whole number", false, ParseInteger);
  if (!null() && is_scalar() && (value < min || value > max)) {
    if (max == std::numeric_limits<std::int64_t>::max()) {
      Fail(fmt::format("must be at least {}", min));
    } else {
      Fail(fmt::format("must be {} to {}", min, max));
    }
    return fallback;
  }
  return value;
}

double Node::Number(double fallback, double min, double max) const {
  const double value = Read(fallback, "a number", false, ParseNumber);
  if (!null() && is_scalar() && (value < min || value > max)) {
    Fail(max == std::numeric_limits<double>::max() ? fmt::format("must be at least {}", min)
                                                   : fmt::format("must be {} to {}", min, max));
    return fallback;
  }
  return value;
}

std::chrono::nanoseconds Node::Duration(std::chrono::nanoseconds fallback,
                                        std::chrono::nanoseconds min) const {
  const auto value = Read(fallback, "a duration", true, ParseDuration);
  if (!null() && is_scalar() && value < min && value != fallback) {
    Fail(min.count() == 0 ? "must not be negative"
                          : fmt::format("must be at least {}", FormatDuration(min)));
    return fallback;
  }
  return value;
}

std::uint64_t Node::Size(std::uint64_t fallback, std::uint64_t min, std::uint64_t max) const {
  const std::uint64_t value = Read(fallback, "a size", true, ParseSize);
  if (!null() && is_scalar() && value != fallback && (value < min || value > max)) {
    Fail(max == std::numeric_limits<std::int64_t>::max()
             ? fmt::format("must be at least {} bytes", min)
             : fmt::format("must be {} to {} bytes", min, max));
    return fallback;
  }
  return value;
}

std::vector<std::string> Node::Strings(std::vector<std::string> fallback) const {
  if (null()) return fallback;
  if (is_scalar()) return {value_->text};
  if (!is_list()) {
    Fail(fmt::format("expected a list of texts, not {}", KindName(value_->kind)));
    return fallback;
  }
  std::vector<std::string> out;
  for (const Node& item : Items()) {
    if (item.null()) {
      item.Fail("expected a text, not nothing");
    } else if (const std::string* text = item.Text("a text", true)) {
      out.push_back(*text);
    }
  }
  return out;
}

GlobSet Node::Globs() const {
  std::vector<std::string> good;
  const auto check = [&](const Node& node, const std::string& text) {
    if (auto glob = Glob::Compile(text)) {
      good.push_back(text);
    } else {
      node.Fail(std::move(glob.error().message));
    }
  };
  if (is_list()) {
    for (const Node& item : Items()) {
      if (const std::string* text = item.Text("a pattern", true)) check(item, *text);
    }
  } else {
    for (const std::string& text : Strings()) check(*this, text);
  }
  auto set = GlobSet::Compile(good);
  return set ? std::move(*set) : GlobSet();
}

std::vector<std::pair<std::string, std::string>> Node::StringMap() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, node] : Entries()) out.emplace_back(key, node.String());
  return out;
}

const std::string* Node::ChoiceText(const std::vector<std::string_view>& words) const {
  const std::string* text = Text("one of " + Join(words), true);
  if (text == nullptr) return nullptr;
  if (std::find(words.begin(), words.end(), *text) != words.end()) return text;
  std::string sentence = fmt::format("expected one of {}, not {}", Join(words), Quote(*text));
  if (const auto near = Nearest(*text, words))
    sentence += fmt::format(" (did you mean \"{}\"?)", *near);
  Fail(std::move(sentence));
  return nullptr;
}

}  // namespace wirespan::config
