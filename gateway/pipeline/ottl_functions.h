#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "gateway/pipeline/ottl_node.h"
#include "gateway/pipeline/ottl_path.h"

namespace wirespan::gateway {

// A call's argument: what computes it, and its value if it is a literal.
struct OttlArgument {
  OttlNodePtr node{};
  const OttlValue* literal = nullptr;
};

// The call of a function, checked: the error says what is wrong with its name or arguments.
Result<OttlNodePtr> MakeOttlCall(std::string_view name, OttlScope scope,
                                 std::vector<OttlArgument> arguments);

// The names of all functions that conditions of this scope know, sorted.
std::vector<std::string> OttlFunctions(OttlScope scope);

// "1h2m3.5s" (Go's time.ParseDuration) in ns.
bool ParseGoDuration(std::string_view text, std::int64_t& ns);

}  // namespace wirespan::gateway
