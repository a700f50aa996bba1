#pragma once

#include <string>
#include <string_view>

namespace wirespan::otlp {

// "text" in quotes, escaped; bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace wirespan::otlp
