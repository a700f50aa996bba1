#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/kube/access.h"
#include "common/kube/pod_directory.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// The watches of pods: one for each selection of pods that a configuration names, however many
// processors and pipelines ask. A graph that comes after another one goes on with its watches, as
// far as they keep what it needs; a watch ends with the last graph that has it. One thread.
class PodWatches {
 public:
  PodWatches(const Clock& clock, telemetry::Registry& registry, kube::Variables variables)
      : clock_(clock), registry_(registry), variables_(std::move(variables)) {}

  // Whoever holds a directory holds its watch.
  using Open = std::map<PodWatchOptions, std::shared_ptr<const kube::PodDirectory>>;
  // Those that pipelines of `config` need. Waits for the first list of pods where that is asked for
  // (wait_for_metadata); kUnavailable: it did not come.
  Result<Open> OpenFor(const GatewayConfig& config);

 private:
  struct Watch;
  struct Need;  // what all processors with one selection want
  Result<std::shared_ptr<Watch>> Start(const PodWatchOptions& options, const Need& need);

  const Clock& clock_;
  telemetry::Registry& registry_;
  const kube::Variables variables_;
  std::multimap<PodWatchOptions, std::weak_ptr<Watch>> watches_{};
};

}  // namespace wirespan::gateway
