#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/app/watch_hub.h"
#include "common/base/result.h"
#include "common/http/server.h"

// The running agent's control socket: HTTP over a Unix socket (0660), so that `watch` and `explain`
// attach instead of loading a second set of probes.
//
//   POST /watch     body: a WatchFilter as JSON; answers one WatchLine as JSON a line, until the
//   watcher leaves GET  /         200: an agent is here
//   GET  /explain   an Explanation as JSON
namespace wirespan::app {

struct ControlPages {
  // Runs on the control thread; may wait for the pipeline's thread. The Explanation as JSON.
  std::function<std::string()> explain{};
};

// `hub` must outlive the server. Group `group` gets the socket; "" leaves it to root.
Result<std::unique_ptr<http::Server>> StartControl(const std::string& path,
                                                   const std::string& group, WatchHub& hub,
                                                   ControlPages pages);

std::string FilterToJson(const WatchFilter& filter);
Result<WatchFilter> FilterFromJson(const std::string& text);

}  // namespace wirespan::app
