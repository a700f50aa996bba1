#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/http/server.h"
#include "common/telemetry/metrics.h"
#include "gateway/extension/extension_options.h"
#include "gateway/pipeline/component_status.h"
#include "gateway/pipeline/pipeline_ledger.h"

namespace wirespan::gateway {

struct PipelineView {
  std::string id{};
  std::vector<std::string> receivers{};
  std::vector<std::string> processors{};
  std::vector<std::string> exporters{};
};

// What the health page and the status page tell. The lifecycle writes, pages read; thread-safe.
class GatewayState {
 public:
  GatewayState(const StatusBoard& board, const LedgerBook& book, const Clock& clock = SystemClock())
      : board_(board), book_(book), clock_(clock) {}

  struct Facts {
    bool ready = false;          // takes data, as far as the lifecycle knows
    std::uint64_t since_ns = 0;  // realtime, of `ready`
    HealthOptions health{};
    std::vector<PipelineView> pipelines{};
    std::string config_hash{};
    std::string last_reload{};                      // one sentence
    std::map<std::string, std::string> resource{};  // of the gateway itself
  };
  template <class Change>
  void Update(Change change) {
    const std::lock_guard lock(mutex_);
    change(facts_);
  }
  Facts facts() const {
    const std::lock_guard lock(mutex_);
    return facts_;
  }
  const StatusBoard& board() const { return board_; }
  const LedgerBook& book() const { return book_; }
  const Clock& clock() const { return clock_; }

 private:
  const StatusBoard& board_;
  const LedgerBook& book_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards facts_
  Facts facts_{};
};

// The components whose trouble makes the gateway unready: refusing ones that have been so for
// `recovery`, and those that the options include.
std::vector<ComponentStatus::Snapshot> Troubles(const GatewayState& state);

// The status page: pipelines, components, ledger, in HTML without scripts. No settings, so no
// secrets.
std::string StatusHtml(const GatewayState& state);
// The components as JSON, for `?verbose` of the health page.
std::string ComponentsJson(const std::vector<ComponentStatus::Snapshot>& components);

// GET of any path below /debug (zpages' names lead here) and of /status.
http::Response StatusResponse(const GatewayState& state, const http::Request& request);

// The ledger as metrics (docs/ledger.md): the counters and the gauges of one scrape are of one
// reading. The book outlives the registry's use.
void RegisterLedger(telemetry::Registry& registry, const LedgerBook& book);

}  // namespace wirespan::gateway
