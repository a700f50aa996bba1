#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wirespan::gateway {

// What can stand in a configuration. The first name of a type is its usual one; the others are
// aliases.
struct ComponentType {
  std::string_view kind{};  // "receivers", "processors", ...: the section's name
  std::vector<std::string_view> names{};
  std::string_view what{};
};

const std::vector<ComponentType>& ComponentTypes();

// "otlp" of "otlp/2".
std::string_view TypeOf(std::string_view id);

// "batch, memory_limiter": the usual names of a section; "none" if there are none.
std::string NamesIn(std::string_view kind);

bool HasComponent(std::string_view kind, std::string_view type);

// The sentence about a component that we have not: what stands nearest to it, if anything does, and
// what there is.
std::string UnknownComponent(std::string_view kind, std::string_view type);

// What `components` prints.
std::string ComponentsText();

}  // namespace wirespan::gateway
