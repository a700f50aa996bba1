#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace wirespan::process {

// One string out of a JSON document that a container runtime wrote, without a tree of the rest: the
// value at keys[0] -> keys[1] -> ... of nested objects. nullopt: not there, not a string, or not
// JSON up to there. Escapes of one character are undone; \u ones give '?'. Linear, no recursion.
std::optional<std::string> FindJsonString(std::string_view json,
                                          std::initializer_list<std::string_view> keys);

}  // namespace wirespan::process
