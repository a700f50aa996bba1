#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/app/explanation.h"
#include "agent/metric/snapshot.h"
#include "agent/process/host.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// Who the agent is, as a resource. `node`: Kubernetes' name of the node, "" where there is none.
std::shared_ptr<const span::Resource> OwnResource(const process::HostInfo& host,
                                                  const std::string& node);

// What the agent says of itself by OTLP (docs/self-report.md), as metrics, because those pass
// through every hop that the spans pass through:
//   wirespan.exchanges         the ledger: exchanges that became spans, and those that did not by
//                              reason. What is still under way is in none of both.
//   wirespan.coverage.sockets  for each process with sockets: how many, whether it is observed,
//                              and what of it is not seen and why. At most 1,000.
// Times: ns since 1970 UTC.
metric::ResourceMetrics SelfReport(std::shared_ptr<const span::Resource> resource,
                                   const Explanation& explanation,
                                   const telemetry::Registry& registry, std::uint64_t start_ns,
                                   std::uint64_t now_ns);

}  // namespace wirespan::app
