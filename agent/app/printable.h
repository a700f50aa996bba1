#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text from the wire and from other processes on its way to a terminal. Pure.
namespace wirespan::app {

// Without what could steer a terminal: control characters (C0, DEL, C1) and changes of direction
// become '?', ill-formed UTF-8 U+FFFD.
std::string Printable(std::string_view text);

// Printable text cut to `width` characters, the last being '~' where something is missing. One code
// point counts as one column.
std::string CutTo(std::string_view text, std::size_t width);
// Filled with blanks on the right to `width`; never cut.
std::string FillTo(std::string_view text, std::size_t width);

}  // namespace wirespan::app
