#include "agent/app/turns.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "common/telemetry/log.h"

namespace wirespan::app {
namespace {

// Between its claim and its decision an agent looks through /proc once.
constexpr std::chrono::milliseconds kGlance{20};
constexpr int kMaxGlances = 100;

}  // namespace

Turns::Turns(std::string root, Self self, Registration registration, telemetry::Registry& registry)
    : root_(std::move(root)),
      self_(std::move(self)),
      registration_(std::move(registration)),
      waiting_(registry.gauge("wirespan_agent_waiting",
                              "1: another agent observes what this one would, and this one waits")),
      pods_(registry.gauge("wirespan_agent_left_out_pods",
                           "Pods left out because an agent of their own observes them")) {}

Result<std::unique_ptr<Turns>> Turns::Create(const Config& config, const process::OwnProcess& self,
                                             telemetry::Registry& registry) {
  if (config.node.other_agents == "ignore") return std::unique_ptr<Turns>();
  const bool node_wide = !config.capture.own_pod;
  auto registration = Registration::Create({.node_wide = node_wide, .state = AgentState::kWaiting});
  if (!registration) return tl::unexpected(std::move(registration.error()));
  Self own{.pid = self.pid,
           .start_ticks = self.start_ticks,
           .node_wide = node_wide,
           .pod = process::PodScope::Of(self.placement)};
  return std::unique_ptr<Turns>(
      new Turns(config.node.root, std::move(own), std::move(*registration), registry));
}

bool Turns::Try() {
  const auto say = [&](AgentState state) {
    // It is four words in memory; what can't be said leaves the others as they are.
    if (auto said = registration_.Say({.node_wide = self_.node_wide, .state = state}); !said)
      log::WriteLimited(log::Level::kWarn, "turns", "other agents: " + said.error().message);
  };
  if (blocker_) {
    const auto word = AskNeighbour(root_, *blocker_);
    if (word && word->state != AgentState::kWaiting) return false;
  }
  say(AgentState::kClaiming);
  for (int glance = 0;; ++glance) {
    const auto others = FindNeighbours(root_, self_.pid);
    const Turn turn = Judge(self_, others);
    if (turn.kind == Turn::Kind::kGo) {
      for (const Neighbour* other : turn.left_out) {
        if (!other->pod) continue;
        log::Warn("{}: this agent leaves it out", Describe(*other));
        heeded_.push_back(*other);
        left_out_.push_back(*other->pod);
      }
      say(AgentState::kActive);
      blocker_.reset();
      SetWaiting({});
      CountLeftOut();
      return true;
    }
    if (turn.kind == Turn::Kind::kWait || glance == kMaxGlances) {
      say(AgentState::kWaiting);
      const bool news = !blocker_ || blocker_->pid != turn.because->pid;
      blocker_ = *turn.because;
      if (news) {
        log::Warn("another {}: this one waits until that one ends, so that nothing is told twice",
                  Describe(*blocker_));
      }
      SetWaiting("another " + Describe(*blocker_) + "; this one waits until that one ends");
      return false;
    }
    std::this_thread::sleep_for(kGlance);
  }
}

bool Turns::LookAfter() {
  const std::size_t before = heeded_.size();
  std::erase_if(heeded_, [&](const Neighbour& other) {
    const auto word = AskNeighbour(root_, other);
    if (word && word->state != AgentState::kWaiting) return false;
    log::Info("the agent with pid {} has ended: this one observes its pod from now on", other.pid);
    return true;
  });
  if (heeded_.size() == before) return false;
  left_out_.clear();
  for (const Neighbour& other : heeded_) left_out_.push_back(*other.pod);
  CountLeftOut();
  return true;
}

std::string Turns::waits_for() const {
  const std::lock_guard lock(mutex_);
  return waits_for_;
}

void Turns::SetWaiting(const std::string& sentence) {
  waiting_.Set(sentence.empty() ? 0 : 1);
  const std::lock_guard lock(mutex_);
  waits_for_ = sentence;
}

void Turns::CountLeftOut() { pods_.Set(static_cast<double>(left_out_.size())); }

}  // namespace wirespan::app
