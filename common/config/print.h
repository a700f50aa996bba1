#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/value.h"

namespace wirespan::config {

// Whether a scalar at this path (keys from the top, indexes of lists left out) must not be shown.
using IsSecret = std::function<bool(const std::vector<std::string_view>& path)>;

// The value as YAML in block style: what ParseYaml reads back as the same value. Scalars that are
// secret print as "[REDACTED]"; empty ones stay empty, for they tell nothing.
std::string PrintYaml(const Value& value, const IsSecret& is_secret = {});

}  // namespace wirespan::config
