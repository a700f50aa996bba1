#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/value.h"

// The boundary to yaml-cpp: text to Value. Its exceptions end in yaml.cc.
namespace wirespan::config {

inline constexpr std::size_t kMaxYamlBytes = 1u << 20;
inline constexpr std::size_t kMaxYamlValues = 100'000;  // after aliases are resolved
inline constexpr int kMaxYamlDepth = 64;

// One document. Problems (syntax, duplicate keys, tags, bounds) are appended; what could be read is
// returned, a null if nothing could. An empty text is a null.
Value ParseYaml(std::string_view text, const std::string& name, std::vector<Problem>& problems);

}  // namespace wirespan::config
