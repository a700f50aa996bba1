#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/app/config.h"
#include "agent/app/neighbours.h"
#include "agent/process/own.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// Whose turn it is to observe what, where several agents run on one machine (neighbours.h). The
// pipeline's thread, but for waits_for().
class Turns {
 public:
  // Null: node.other_agents is ignore.
  static Result<std::unique_ptr<Turns>> Create(const Config& config,
                                               const process::OwnProcess& self,
                                               telemetry::Registry& registry);

  // True: this agent may observe. False: somebody else does; ask again some times a second. Looks
  // through all of /proc the first time, and then only where something changed.
  bool Try();
  // While this agent waits: a sentence. Any thread.
  std::string waits_for() const;

  // What others observe and this agent leaves out.
  const std::vector<process::PodScope>& left_out() const { return left_out_; }
  // Now and then while observing. True: left_out() has changed, because an agent ended.
  bool LookAfter();

 private:
  Turns(std::string root, Self self, Registration registration, telemetry::Registry& registry);
  void SetWaiting(const std::string& sentence);
  void CountLeftOut();

  const std::string root_;
  const Self self_;
  Registration registration_;
  std::optional<Neighbour> blocker_{};
  std::vector<Neighbour> heeded_{};  // whose pods are left out
  std::vector<process::PodScope> left_out_{};
  mutable std::mutex mutex_;  // guards waits_for_
  std::string waits_for_{};
  telemetry::Gauge& waiting_;
  telemetry::Gauge& pods_;
};

}  // namespace wirespan::app
