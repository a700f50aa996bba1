#pragma once

#include <string>
#include <string_view>

namespace wirespan {

// A text to show: if it begins with a URL that holds a user (and a password), without these:
// "https://[REDACTED]@host/path". Any other text stays as it is.
std::string RedactUrl(std::string_view text);

}  // namespace wirespan
