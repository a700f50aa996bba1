#pragma once

#include <string_view>

namespace wirespan::process {

// '*' any bytes (slashes too), '?' one byte, '\' takes the next byte as it is. Whole text. At most
// pattern x text steps, whatever the pattern.
bool GlobMatches(std::string_view pattern, std::string_view text);

// A pattern without a slash is compared with the last part of the path, one with a slash with the
// whole path.
bool PathGlobMatches(std::string_view pattern, std::string_view path);

}  // namespace wirespan::process
