#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"

// How each component is doing: receivers and exporters report, the health page, the status page and
// the metrics read.
namespace wirespan::gateway {

enum class ComponentState : std::uint8_t {
  kStarting,
  kOk,
  kDegraded,  // something fails and is tried again; data is still taken (it waits in a queue)
  kRefusing,  // data is turned away for now: the pipelines that need this component can't work
  kFailed,    // it will not work again without a change of the configuration or a restart
  kStopped,
};
std::string_view StateName(ComponentState state);

// Where a component stands. One per exporter and signal, receiver and transport.
class ComponentStatus {
 public:
  struct Snapshot {
    std::string kind{};  // "receiver", "exporter", "extension"
    std::string id{};
    std::string part{};  // an exporter's signal ("traces"), a receiver's transport ("grpc")
    ComponentState state = ComponentState::kStarting;
    std::string message{};         // why it is not ok: one sentence, no secret
    std::uint64_t since_ns = 0;    // realtime, of the state
    std::uint64_t changed_ns = 0;  // monotonic, of the state
  };

  // Cheap when nothing changes, so it can be called for every request. Thread-safe.
  void Set(ComponentState state, std::string_view message = {});
  Snapshot snapshot() const;

 private:
  friend class StatusBoard;
  ComponentStatus(const Clock& clock, std::string kind, std::string id, std::string part);

  const Clock& clock_;
  std::atomic<ComponentState> state_{ComponentState::kStarting};  // a copy, for the quick look
  mutable std::mutex mutex_;                                      // guards data_
  Snapshot data_{};
};

// All components that live. Thread-safe; components may outlive it.
class StatusBoard {
 public:
  explicit StatusBoard(const Clock& clock = SystemClock()) : clock_(clock) {}
  // The entry is there as long as the pointer is held.
  std::shared_ptr<ComponentStatus> Add(std::string kind, std::string id, std::string part);
  std::vector<ComponentStatus::Snapshot> Components() const;  // in the order added
  // For a component that is on no board.
  static std::shared_ptr<ComponentStatus> Unseen() { return StatusBoard().Add("", "", ""); }

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards entries_
  mutable std::list<std::weak_ptr<ComponentStatus>> entries_{};
};

}  // namespace wirespan::gateway
