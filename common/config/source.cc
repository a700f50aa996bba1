#include "common/config/source.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "common/base/strings.h"
#include "common/config/yaml.h"

namespace wirespan::config {
namespace {

// "yaml" of "yaml:a: b": a letter and at least one more, so that "c:\x" has none.
std::string_view SchemeOf(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon < 2) return {};
  for (std::size_t i = 0; i < colon; ++i) {
    const char c = uri[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-';
    if (!letter && (i == 0 || !other)) return {};
  }
  return uri.substr(0, colon);
}

void ForgetLines(Value& value) {
  value.mark.line = 0;
  for (Value::Entry& entry : value.map) {
    entry.mark.line = 0;
    ForgetLines(entry.value);
  }
  for (Value& item : value.list) ForgetLines(item);
}

Value MapOf(std::string key, const Mark& mark, Value value) {
  Value map;
  map.kind = Value::Kind::kMap;
  map.mark = mark;
  map.map.push_back({.key = std::move(key), .mark = mark, .value = std::move(value)});
  return map;
}

// {"a::b": c} becomes {a: {b: c}}, at the top alone.
void SplitKeys(Value& value) {
  for (Value::Entry& entry : value.map) {
    const std::vector<std::string_view> parts = [&] {
      std::vector<std::string_view> found;
      std::string_view rest = entry.key;
      for (std::size_t at = rest.find("::"); at != std::string_view::npos; at = rest.find("::")) {
        found.push_back(rest.substr(0, at));
        rest.remove_prefix(at + 2);
      }
      found.push_back(rest);
      return found;
    }();
    if (parts.size() < 2) continue;
    Value inner = std::move(entry.value);
    for (std::size_t i = parts.size() - 1; i > 0; --i) {
      inner = MapOf(std::string(parts[i]), entry.mark, std::move(inner));
    }
    std::string first(parts[0]);
    entry.value = std::move(inner);
    entry.key = std::move(first);
  }
}

}  // namespace

Result<std::string> ReadConfigFile(const std::string& path) {
  const bool standard_input = path == "-";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(
      standard_input ? stdin : std::fopen(path.c_str(), "re"),
      standard_input ? [](std::FILE*) { return 0; }
                     : [](std::FILE* one) { return std::fclose(one); });
  const auto fail = [](int error) {
    return Fail(ErrorCode::kInvalidArgument, std::generic_category().message(error));
  };
  if (stream == nullptr) return fail(errno);
  std::string text(kMaxYamlBytes + 1, '\0');
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
  if (std::ferror(stream.get()) != 0) return fail(errno == 0 ? EIO : errno);
  return text;
}

Result<Source> ReadSource(const std::string& uri, const Environment& environment) {
  const std::string_view scheme = SchemeOf(uri);
  if (scheme == "yaml") {
    return Source{.name = "--config yaml:",
                  .text = uri.substr(5),
                  .split_keys = true,
                  .has_lines = uri.find('\n') != std::string::npos};
  }
  if (scheme == "env") {
    auto value = environment(uri.substr(4));
    if (!value) return Fail(ErrorCode::kInvalidArgument, "the environment variable is not set");
    return Source{.name = uri, .text = std::move(*value)};
  }
  if (scheme == "http" || scheme == "https") {
    return Fail(ErrorCode::kInvalidArgument,
                "configurations are not fetched over the network: save it as a file first");
  }
  const std::string path = scheme == "file" ? uri.substr(5) : uri;
  auto text = ReadConfigFile(path);
  if (!text) return tl::unexpected(text.error());
  return Source{.name = path == "-" ? "<stdin>" : path, .text = std::move(*text)};
}

Result<Source> SetSource(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("--set {}: expected key.sub=value",
                                                         ToUtf8(TruncateUtf8(assignment, 60))));
  }
  const std::string_view key = TrimAscii(assignment.substr(0, equals));
  Source source{.name = fmt::format("--set {}", ToUtf8(TruncateUtf8(key, 100))),
                .text = std::string(TrimAscii(assignment.substr(equals + 1))),
                .has_lines = false};
  std::string part;
  const auto take = [&] {
    if (part.empty()) return false;
    source.below.push_back(std::exchange(part, {}));
    return true;
  };
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool dot = key[i] == '.';
    const bool colons = key.substr(i, 2) == "::";
    if (!dot && !colons) {
      part.push_back(key[i]);
    } else if (!take()) {
      break;
    } else if (colons) {
      ++i;
    }
  }
  if (!take()) {
    return Fail(ErrorCode::kInvalidArgument, source.name + ": a part of the key is empty");
  }
  return source;
}

Value ParseSource(const Source& source, std::vector<Problem>& problems) {
  std::vector<Problem> found;
  Value value = ParseYaml(source.text, source.name, found);
  if (source.split_keys) SplitKeys(value);
  for (auto key = source.below.rbegin(); key != source.below.rend(); ++key) {
    const Mark mark = value.mark;
    value = MapOf(*key, mark, std::move(value));
  }
  if (!source.has_lines) {
    ForgetLines(value);
    for (Problem& problem : found) problem.mark.line = 0;
  }
  problems.insert(problems.end(), found.begin(), found.end());
  return value;
}

}  // namespace wirespan::config
