#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/expand.h"
#include "common/config/value.h"

namespace wirespan::config {

// One of the texts that a configuration is merged from.
struct Source {
  std::string name{};  // stands in front of every error
  std::string text{};
  // Keys that the text's value stands below, outermost first: of `--set a.b=c` {"a", "b"}.
  std::vector<std::string> below{};
  bool split_keys = false;  // "a::b: c" at the top means "a: {b: c}", as the Collector's yaml: URIs
  bool has_lines = true;    // false: a text of the command line, whose places nobody can look up
};

// What `--config` names, as the Collector's providers take it: a path, "-" (standard input),
// "file:PATH", "env:NAME" (the variable holds the configuration), "yaml:TEXT". The error says what
// is wrong with it, without its name.
Result<Source> ReadSource(const std::string& uri, const Environment& environment);

// `--set key.sub=value` or `--set key::sub=value`; the value is YAML.
Result<Source> SetSource(std::string_view assignment);

// The file's content, at most a byte more than a configuration may have.
Result<std::string> ReadConfigFile(const std::string& path);

// The text as YAML, placed where the source says.
Value ParseSource(const Source& source, std::vector<Problem>& problems);

}  // namespace wirespan::config
