#pragma once

#include <string_view>

#include "common/otlp/layout.h"
#include "common/otlp/walk.h"

namespace wirespan::otlp {

struct SpanCheck {
  bool well_formed = false;
  bool valid = false;  // as ValidItem says
};

// What Walk asks of each span, in one pass over its bytes: the gateway does this for every span
// that it passes on. `layout` is the Span's.
SpanCheck CheckSpan(const Layout& layout, std::string_view span, WalkDepth depth);

}  // namespace wirespan::otlp
