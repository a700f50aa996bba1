#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/protocol/exchange.h"
#include "common/base/glob.h"
#include "common/base/result.h"

namespace wirespan::span {

// One entry of `exchanges.ignore`: all that it names must match. Empty: does not matter.
struct IgnoreRule {
  std::string path{};        // a glob over the path without its query
  std::string method{};      // as on the wire, e.g. "OPTIONS"
  std::string user_agent{};  // a glob
};

class IgnoreRules {
 public:
  // kInvalidArgument: a bad glob, or an entry that names nothing (it would ignore everything).
  static Result<IgnoreRules> Compile(const std::vector<IgnoreRule>& rules);
  bool Matches(const protocol::Exchange& exchange) const;

 private:
  struct Rule {
    std::optional<Glob> path{};
    std::string method{};
    std::optional<Glob> user_agent{};
  };
  std::vector<Rule> rules_{};
};

// True for the export of telemetry: OTLP over HTTP and gRPC, Zipkin, Jaeger over gRPC and Thrift
// over HTTP.
// Such exchanges are not shown, or a backend on this node would feed itself.
bool IsTelemetryExport(const protocol::Exchange& exchange);

}  // namespace wirespan::span
