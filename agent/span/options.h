#pragma once

#include <cstdint>

#include "agent/span/attributes.h"
#include "agent/span/facts.h"
#include "agent/span/identity.h"
#include "agent/span/ignore.h"
#include "agent/span/parent_links.h"
#include "agent/span/routes.h"
#include "agent/span/sampler.h"

namespace wirespan::span {

// All that the configuration says to this stage, compiled: Routes::Compile, IgnoreRules::Compile
// and Sampler::Parse find what is wrong with it.
struct SpanOptions {
  NodeIdentity node{};
  bool traces = true;  // false: metrics only (OTEL_TRACES_EXPORTER=none)
  Sampler sampler{};
  std::uint32_t max_traces_per_second = 0;  // traces.max_per_second; 0: no limit
  KnownMethods known_methods{};             // OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS
  AttributeOptions attributes{};            // redact.query, client.address
  Routes routes{};
  IgnoreRules ignore{};
  LinkLimits links{};  // Reconfigure leaves these as they were
};

}  // namespace wirespan::span
