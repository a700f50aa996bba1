#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/kube/access.h"
#include "common/kube/watch_handler.h"
#include "common/retry/backoff.h"
#include "common/telemetry/metrics.h"

namespace wirespan::kube {

struct WatchOptions {
  Access access{};
  std::string path = "/api/v1/pods";
  std::string resource = "pods";  // for sentences and labels
  std::string field_selector{};   // "spec.nodeName=n1"
  std::string label_selector{};   // "app=cart,tier!=test"
  // Projection's paths below the object; Field::path is the index here.
  std::vector<std::string> fields{};
  bool metadata_only =
      false;  // specification and status are of no use: the server may leave them out

  // A rollout starts many agents at once: the first list waits somewhere in this.
  std::chrono::milliseconds first_jitter{2000};
  retry::BackoffOptions backoff{.initial = std::chrono::milliseconds(1000),
                                .max = std::chrono::milliseconds(60000),
                                .max_elapsed = std::chrono::milliseconds(0)};
  // What a watch is asked to last, at least; twice it at most.
  std::chrono::seconds watch_time{300};
  // A watch brings a bookmark a minute: after this silence its connection is taken for dead.
  std::chrono::milliseconds quiet_limit{150000};
  std::chrono::milliseconds list_time{60000};
  std::uint64_t max_list_bytes = 1u << 30;   // of one page
  std::uint64_t max_event_bytes = 8u << 20;  // etcd holds no object above 1.5 MiB
  std::uint64_t seed = 0;                    // of the spreads: another one for each agent
};

struct WatchState {
  bool listed = false;              // once at least
  bool current = false;             // listed, and no problem since
  std::string problem{};            // the last failure, until something works; a sentence
  std::uint64_t last_event_ns = 0;  // monotonic; 0: never. Lists and bookmarks count
};

// Keeps a handler up to date with one resource: a list, then a watch that is resumed where it
// ended, until the server has forgotten that place (410) and a new list is needed. Never gives up.
// Reads only: GET.
//
//   wirespan_kube_errors_total{resource, reason}: connect timeout unauthorized forbidden gone
//   not_found throttled server status garbage cut too_large credentials
class Watcher {
 public:
  // Starts a thread at once. All references outlive the watcher.
  static std::unique_ptr<Watcher> Start(WatchOptions options, WatchHandler& handler,
                                        const Clock& clock, telemetry::Registry& registry);
  virtual ~Watcher() = default;  // ends at once, whatever is under way

  virtual WatchState state() const = 0;
  // False: time is up, and there was no whole list yet.
  virtual bool WaitListed(std::chrono::milliseconds timeout) const = 0;
};

// What a first list would meet, for `check`: success, or the sentence of its problem. Waits up to
// `timeout`.
Result<> TryList(const WatchOptions& options, std::chrono::milliseconds timeout);

}  // namespace wirespan::kube
