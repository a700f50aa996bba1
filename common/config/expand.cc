#include "common/config/expand.h"

#include <cstdlib>

#include "common/base/strings.h"
#include "common/config/yaml.h"

namespace wirespan::config {
namespace {

constexpr int kMaxReferenceDepth = 16;

bool IsName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!fits) return false;
  }
  return true;
}

// The index of the '}' that closes the "${" at `open`; npos if none does.
std::size_t CloseOf(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text.substr(i, 2) == "${") {
      ++depth;
      ++i;
    } else if (text[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

class Expander {
 public:
  Expander(const Environment& environment, const FileReader& read_file,
           std::vector<Problem>& problems, std::vector<Problem>& warnings)
      : environment_(environment),
        read_file_(read_file),
        problems_(problems),
        warnings_(warnings) {}

  void Walk(Value& value) {
    for (Value::Entry& entry : value.map) Walk(entry.value);
    for (Value& item : value.list) Walk(item);
    if (value.kind == Value::Kind::kScalar && value.text.find('$') != std::string::npos)
      Scalar(value);
  }

 private:
  void Scalar(Value& value) {
    const Mark mark = value.mark;
    const bool whole =
        value.text.starts_with("${") && CloseOf(value.text, 0) == value.text.size() - 1;
    std::string text = Text(value.text, mark, 0);
    if (!whole) {
      value.text = std::move(text);
      return;
    }
    const bool structured =
        text.find_first_of("[{\n") != std::string::npos || text.find(": ") != std::string::npos;
    if (structured) {
      std::vector<Problem> ignored;
      Value parsed = ParseYaml(text, "", ignored);
      if (ignored.empty() &&
          (parsed.kind == Value::Kind::kMap || parsed.kind == Value::Kind::kList)) {
        SetMark(parsed, mark);
        value = std::move(parsed);
        return;
      }
    }
    // A variable may carry quotes to say that it is text: "0123".
    value.quoted = false;
    if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0]) {
      text = text.substr(1, text.size() - 2);
      value.quoted = true;
    }
    if (text.empty() && !value.quoted) {
      value = NullAt(mark);
      return;
    }
    value.text = std::move(text);
  }

  std::string Text(std::string_view text, const Mark& mark, int depth) {
    std::string out;
    if (stopped_) return out;
    if (depth > kMaxReferenceDepth) return Stop(mark, "references nest deeper than 16 levels");
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '$') {
        out.push_back(text[i]);
      } else if (text.substr(i, 2) == "$$") {
        out.push_back('$');
        ++i;
      } else if (text.substr(i, 2) == "${") {
        const std::size_t close = CloseOf(text, i);
        if (close == std::string_view::npos) {
          problems_.push_back({mark, "\"${\" without its \"}\" (write \"$$\" for a dollar sign)"});
          return out;
        }
        out += Reference(text.substr(i + 2, close - i - 2), mark, depth);
        i = close;
      } else {
        out.push_back('$');
      }
      if (stopped_) return {};
      if (out.size() > kMaxYamlBytes || ++total_ > 16 * kMaxYamlBytes) {
        return Stop(mark, "is larger than 1 MiB once variables are replaced");
      }
    }
    return out;
  }

  std::string Reference(std::string_view given, const Mark& mark, int depth) {
    std::string inner(given);
    std::optional<std::string> fallback;
    if (const std::size_t at = inner.find(":-"); at != std::string::npos) {
      fallback = inner.substr(at + 2);
      inner.resize(at);
    }
    if (inner.find('$') != std::string::npos) inner = Text(inner, mark, depth + 1);
    std::string_view name = inner;
    if (name.starts_with("file:") && read_file_) return File(given, mark, depth);
    if (name.starts_with("env:")) {
      name.remove_prefix(4);
    } else if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
      problems_.push_back({mark, "\"${" + ToUtf8(name.substr(0, std::min<std::size_t>(colon, 40))) +
                                     ":...}\" is not supported, only \"${env:NAME}\"" +
                                     (read_file_ ? " and \"${file:PATH}\"" : "")});
      return {};
    }
    if (!IsName(name)) {
      problems_.push_back(
          {mark, "\"" + ToUtf8(name.substr(0, 100)) + "\" is no name of an environment variable"});
      return {};
    }
    const std::optional<std::string> value = environment_(std::string(name));
    if (fallback && (!value || value->empty())) return Text(*fallback, mark, depth + 1);
    if (!value) {
      warnings_.push_back(
          {mark, "environment variable " + std::string(name) + " is not set; taken as empty"});
      return {};
    }
    return Text(ToUtf8(*value), mark, depth + 1);
  }

  std::string File(std::string_view given, const Mark& mark, int depth) {
    const std::string path = Text(given.substr(5), mark, depth + 1);
    auto content = read_file_(path);
    if (!content) {
      problems_.push_back({mark, "\"${file:" + ToUtf8(TruncateUtf8(path, 200)) +
                                     "}\": " + content.error().message});
      return {};
    }
    // Tokens are written with a line end that is none of theirs.
    while (content->ends_with('\n') || content->ends_with('\r')) content->pop_back();
    return Text(ToUtf8(*content), mark, depth + 1);
  }

  // A bound was reached: told once, and nothing more is replaced in this document.
  std::string Stop(const Mark& mark, std::string why) {
    stopped_ = true;
    problems_.push_back({mark, std::move(why)});
    return {};
  }

  static void SetMark(Value& value, const Mark& mark) {
    value.mark = mark;
    for (Value::Entry& entry : value.map) {
      entry.mark = mark;
      SetMark(entry.value, mark);
    }
    for (Value& item : value.list) SetMark(item, mark);
  }

  const Environment& environment_;
  const FileReader& read_file_;
  std::vector<Problem>& problems_;
  std::vector<Problem>& warnings_;
  std::size_t total_ = 0;  // bytes looked at, those of nested references too
  bool stopped_ = false;
};

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

void Expand(Value& value, const Environment& environment, const FileReader& read_file,
            std::vector<Problem>& problems, std::vector<Problem>& warnings) {
  Expander(environment, read_file, problems, warnings).Walk(value);
}

}  // namespace wirespan::config
