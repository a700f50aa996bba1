#include "common/config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <unordered_set>

#include "common/base/hash.h"
#include "common/base/strings.h"

namespace wirespan::config {
namespace {

class Converter {
 public:
  Converter(std::shared_ptr<const std::string> file, std::vector<Problem>& problems)
      : file_(std::move(file)), problems_(problems) {}

  Value Convert(const YAML::Node& node, const Mark& fallback, int depth) {
    Value value;
    value.mark = MarkOf(node, fallback);
    if (depth > kMaxYamlDepth) {
      Stop(value.mark, "nested deeper than 64 levels");
      return value;
    }
    if (++values_ > kMaxYamlValues) {
      Stop(value.mark, "more than 100000 values once aliases are resolved");
      return value;
    }
    bool quoted = false;
    if (!CheckTag(node, value.mark, quoted)) return value;
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        value.kind = Value::Kind::kScalar;
        value.text = node.Scalar();
        value.quoted = quoted;
        // Every mention of an alias is a copy here.
        text_bytes_ += value.text.size();
        if (text_bytes_ > 4 * kMaxYamlBytes)
          Stop(value.mark, "more than 4 MiB of text once aliases are resolved");
        break;
      case YAML::NodeType::Sequence:
        value.kind = Value::Kind::kList;
        for (const auto& item : node) {
          if (stopped_) break;
          value.list.push_back(Convert(item, value.mark, depth + 1));
        }
        break;
      case YAML::NodeType::Map:
        ConvertMap(node, value, depth);
        break;
    }
    return value;
  }

 private:
  void ConvertMap(const YAML::Node& node, Value& value, int depth) {
    value.kind = Value::Kind::kMap;
    std::unordered_set<std::string, StringHash, std::equal_to<>> seen;
    std::vector<Value> merged;
    for (const auto& pair : node) {
      if (stopped_) return;
      const Mark mark = MarkOf(pair.first, value.mark);
      if (!pair.first.IsScalar()) {
        problems_.push_back({mark, "a key must be plain text"});
        continue;
      }
      const std::string& key = pair.first.Scalar();
      if (key == "<<" && pair.first.Tag() == "?") {
        Value from = Convert(pair.second, mark, depth + 1);
        if (from.kind == Value::Kind::kList) {
          for (Value& one : from.list) merged.push_back(std::move(one));
        } else {
          merged.push_back(std::move(from));
        }
        continue;
      }
      if (!seen.insert(key).second) {
        problems_.push_back({mark, "key \"" + ToUtf8(key.substr(0, 100)) + "\" stands here twice"});
        continue;
      }
      value.map.push_back(
          {.key = key, .mark = mark, .value = Convert(pair.second, mark, depth + 1)});
    }
    // The map's own keys win over merged ones, an earlier merged map over a later one.
    for (Value& from : merged) {
      if (from.kind != Value::Kind::kMap) {
        problems_.push_back({from.mark, "\"<<\" needs a map or a list of maps"});
        continue;
      }
      for (Value::Entry& entry : from.map) {
        if (seen.insert(entry.key).second) value.map.push_back(std::move(entry));
      }
    }
  }

  bool CheckTag(const YAML::Node& node, const Mark& mark, bool& quoted) {
    const std::string& tag = node.Tag();
    if (tag.empty() || tag == "?") return true;
    quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    for (const char* known : {"!", "str", "int", "float", "bool", "null", "map", "seq"}) {
      if (tag == known || tag == std::string("tag:yaml.org,2002:") + known) return true;
    }
    problems_.push_back({mark, "tag \"" + ToUtf8(tag.substr(0, 100)) + "\" is not supported"});
    return false;
  }

  Mark MarkOf(const YAML::Node& node, const Mark& fallback) const {
    const YAML::Mark mark = node.Mark();
    if (mark.is_null() || mark.line < 0) return fallback;
    return {.file = file_, .line = mark.line + 1, .column = mark.column + 1};
  }

  void Stop(const Mark& mark, std::string why) {
    if (!stopped_) problems_.push_back({mark, std::move(why)});
    stopped_ = true;
  }

  const std::shared_ptr<const std::string> file_;
  std::vector<Problem>& problems_;
  std::size_t values_ = 0;
  std::size_t text_bytes_ = 0;
  bool stopped_ = false;  // a bound was reached: the rest is not looked at
};

// Reads through a file once without keeping anything, to know how many documents there are before
// any is built: yaml-cpp 0.7 makes documents without end of a text that goes on with "," or "]"
// where nothing is open, and its LoadAll keeps them all.
class DocumentCounter final : public YAML::EventHandler {
 public:
  enum class Found : std::uint8_t { kNone, kOne, kSeveral, kStuck };

  static Found Count(const std::string& text, YAML::Mark& where) {
    std::istringstream input(text);
    YAML::Parser parser(input);
    DocumentCounter counter;
    for (int documents = 0; documents < 2; ++documents) {
      const int before = counter.start_.pos;
      if (!parser.HandleNextDocument(counter)) return documents == 0 ? Found::kNone : Found::kOne;
      where = counter.start_;
      if (documents == 1 && counter.start_.pos <= before) return Found::kStuck;
    }
    return Found::kSeveral;
  }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark start_{};
};

// Line and column of a byte.
Mark MarkAt(std::shared_ptr<const std::string> file, std::string_view text, std::size_t at) {
  Mark mark{.file = std::move(file), .line = 1, .column = 1};
  for (const char c : text.substr(0, at)) {
    mark.column = c == '\n' ? 1 : mark.column + 1;
    if (c == '\n') ++mark.line;
  }
  return mark;
}

// NUL and what is not UTF-8 would be read in ways that nobody means.
bool CheckBytes(const std::shared_ptr<const std::string>& file, std::string_view text,
                std::vector<Problem>& problems) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    problems.push_back({MarkAt(file, text, nul), "a NUL byte"});
    return false;
  }
  if (IsUtf8(text)) return true;
  std::size_t good = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (!IsUtf8(rest.substr(0, end))) break;
    good = end == std::string_view::npos ? text.size() : good + end + 1;
    rest = text.substr(good);
  }
  problems.push_back({MarkAt(file, text, good), "this line is not UTF-8"});
  return false;
}

}  // namespace

Value ParseYaml(std::string_view text, const std::string& name, std::vector<Problem>& problems) {
  const auto file = std::make_shared<const std::string>(name);
  const Mark start{.file = file, .line = 1, .column = 1};
  if (text.size() > kMaxYamlBytes) {
    problems.push_back({Mark{.file = file}, "is larger than 1 MiB"});
    return {};
  }
  if (!CheckBytes(file, text, problems)) return {};
  try {
    const std::string copy(text);
    YAML::Mark where;
    switch (DocumentCounter::Count(copy, where)) {
      case DocumentCounter::Found::kNone:
        return NullAt(start);
      case DocumentCounter::Found::kStuck:
        problems.push_back({Mark{.file = file, .line = where.line + 1, .column = where.column + 1},
                            "not valid YAML: nothing can begin like this here"});
        return {};
      case DocumentCounter::Found::kSeveral:
        problems.push_back(
            {Mark{.file = file}, "holds several documents (\"---\"); one is allowed"});
        break;
      case DocumentCounter::Found::kOne:
        break;
    }
    return Converter(file, problems).Convert(YAML::Load(copy), start, 0);
  } catch (const YAML::Exception& exception) {
    Mark mark = start;
    if (!exception.mark.is_null()) {
      mark.line = exception.mark.line + 1;
      mark.column = exception.mark.column + 1;
    }
    problems.push_back({mark, "not valid YAML: " + exception.msg});
  } catch (const std::exception& exception) {
    problems.push_back({Mark{.file = file}, std::string("not valid YAML: ") + exception.what()});
  }
  return {};
}

}  // namespace wirespan::config
