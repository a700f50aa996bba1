#pragma once

#include <string_view>

namespace wirespan::process {

// By common/base/glob.h, compiled on the spot: rules are asked once a process. A pattern that does
// not compile matches nothing (the configuration's reader refuses it before).
bool GlobMatches(std::string_view pattern, std::string_view text);

// A pattern without a slash is compared with the last part of the path, one with a slash with the
// whole path.
bool PathGlobMatches(std::string_view pattern, std::string_view path);

}  // namespace wirespan::process
