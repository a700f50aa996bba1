#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "common/base/result.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/config_loader.h"
#include "gateway/app/graph.h"
#include "gateway/app/memory_watch.h"
#include "gateway/app/pages.h"

namespace wirespan::gateway {

// The running gateway: what lives as long as the process (budget, books, pages, listening sockets)
// and the graph of the configuration that is in force. Start, Reload and Stop on one thread.
class Gateway {
 public:
  struct Options {
    std::size_t memory_bytes = 0;       // of requests held, at most; less if memory is short
    std::chrono::milliseconds drain{};  // for a graph that ends
  };
  explicit Gateway(const Options& options);
  ~Gateway();

  Result<> Start(const GatewayConfig& config);

  // The sources read again. The new graph is built beside the old one and goes on with its
  // listening sockets and with the exporters whose settings are the same; then the old one ends, on
  // a thread of its own. An error changes nothing: the old configuration stays in force.
  Result<> Reload(const ConfigSources& sources);

  // The health page says 503 from here on. Waits for graphs that are ending. Returns the items that
  // were not delivered.
  std::uint64_t Stop(std::chrono::steady_clock::time_point deadline);

 private:
  Result<> Swap(const GatewayConfig& config);
  Result<> SwapInTurn(const GatewayConfig& config);
  void Install(const GatewayConfig& config, std::unique_ptr<Graph> graph);
  void Retire(std::unique_ptr<Graph> graph);
  void RunRetiring(const std::stop_token& stop);
  void Describe(const GatewayConfig& config, const std::string& last_reload);

  const Options options_;
  telemetry::Registry registry_{};
  LedgerBook book_{};
  StatusBoard board_{};
  GatewayState state_;
  ListenSockets sockets_{};
  ClusterWatches cluster_watches_;
  GraphContext context_{};
  std::unique_ptr<MemoryWatch> memory_{};
  Pages pages_;
  GatewayConfig config_{};  // in force
  std::unique_ptr<Graph> graph_{};
  telemetry::Gauge& reload_ok_;
  telemetry::Gauge& reload_time_;

  // One graph ends after the other, so that each knows whether another one still uses an exporter.
  std::mutex retiring_mutex_;  // guards everything below but the thread
  std::condition_variable_any retiring_changed_;
  std::deque<std::unique_ptr<Graph>> retiring_{};
  std::chrono::steady_clock::time_point retire_until_ =
      std::chrono::steady_clock::time_point::max();  // nobody has longer than that
  std::uint64_t lost_items_ = 0;
  std::jthread retiring_thread_;
};

}  // namespace wirespan::gateway
