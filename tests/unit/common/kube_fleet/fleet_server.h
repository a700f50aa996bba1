#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/http/server.h"

namespace wirespan::kube::testing {

// Stands for an API server that a whole cluster's agents call. Counts who comes and when.
// Thread-safe.
class FleetServer {
 public:
  using Clock = std::chrono::steady_clock;
  struct Counts {
    int lists = 0;
    int lists_of_now = 0;  // those among them that no cache may answer
    int watches = 0;
    int refused = 0;
  };

  FleetServer();
  ~FleetServer();

  std::string url() const;
  Counts counts() const;
  std::size_t open_watches() const;
  // The times of all requests since `since`, in order.
  std::vector<Clock::time_point> TimesSince(Clock::time_point since) const;
  // Nodes that asked more than `most` times since then.
  std::size_t NodesOver(int most, Clock::time_point since) const;

  void SetToken(std::string token);        // only this one is let in; empty: everybody
  void SetAway(bool away);                 // 503 to everybody
  void TellAll(const std::string& piece);  // to each watch
  void BreakAll();                         // each watch's connection
  void EndAll();                           // each watch, as when its time is over

 private:
  struct Asked {
    Clock::time_point at{};
    std::string node{};
  };
  void Serve(http::Request request, std::unique_ptr<http::Responder> responder);

  mutable std::mutex mutex_;  // guards all below
  Counts counts_{};
  std::vector<Asked> asked_{};
  std::string token_{};
  bool away_ = false;
  std::vector<std::unique_ptr<http::BodyStream>> watches_{};
  std::unique_ptr<http::Server> server_{};
};

}  // namespace wirespan::kube::testing
