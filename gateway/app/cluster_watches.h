#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/kube/access.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/watch_selection.h"
#include "gateway/pipeline/cluster_attributes.h"

namespace wirespan::gateway {

// The watches of pods, and of what is around them as far as processors ask for it: one for each
// selection of objects that a configuration names, however many processors and pipelines ask. A
// graph that comes after another one goes on with its watches, as far as they keep what it needs; a
// watch ends with the last graph that has it. One thread.
class ClusterWatches {
 public:
  ClusterWatches(const Clock& clock, telemetry::Registry& registry, kube::Variables variables)
      : clock_(clock), registry_(registry), variables_(std::move(variables)) {}

  // By the processor's id. Whoever holds a directory holds its watch.
  using Open = std::map<std::string, ClusterView>;
  // Those that pipelines of `config` need. Waits for the first lists where that is asked for
  // (wait_for_metadata); kUnavailable: one did not come.
  Result<Open> OpenFor(const GatewayConfig& config);

 private:
  struct Watch;
  struct Need;  // what all processors with one selection want
  using Needs = std::map<WatchSelection, Need>;

  static Needs NeedsOf(const GatewayConfig& config);
  Result<std::shared_ptr<Watch>> Get(const WatchSelection& selection, const Need& need);
  Result<std::shared_ptr<Watch>> Start(const WatchSelection& selection, const Need& need);
  Result<kube::Access> AccessFor(const WatchSelection& selection) const;

  const Clock& clock_;
  telemetry::Registry& registry_;
  const kube::Variables variables_;
  std::multimap<WatchSelection, std::weak_ptr<Watch>> watches_{};
};

}  // namespace wirespan::gateway
