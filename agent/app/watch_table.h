#pragma once

#include <string>

#include "agent/app/watch_line.h"

namespace wirespan::app {

struct TableStyle {
  bool colour = false;  // a terminal that takes ANSI colours
  int width = 0;        // columns of the terminal; 0: no limit (a pipe), so nothing is cut
};

// The line of column names, and one line an exchange; without newlines. Control characters of the
// wire never reach the terminal: they are shown as '?'.
std::string TableHead(const TableStyle& style);
std::string TableRow(const WatchLine& line, const TableStyle& style);

}  // namespace wirespan::app
