#pragma once

#include <string_view>

namespace wirespan::gateway {

// What to use instead of a Collector's component that the gateway has not, as the end of a
// sentence; empty if nothing comes near it. Components that exist are never asked for, so an entry
// may stay when one is added.
std::string_view Replacement(std::string_view kind, std::string_view type);

}  // namespace wirespan::gateway
