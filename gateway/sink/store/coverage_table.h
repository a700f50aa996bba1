#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::gateway::store {

// What an agent says of one process with sockets.
struct ProcessCoverage {
  std::uint64_t pid = 0;
  std::string name{};
  std::string protocol{};
  bool seen = false;
  std::string how{};      // the capture backend
  std::string missing{};  // what of it is not seen, and why; empty: nothing
  std::uint64_t sockets = 0;
};

struct DroppedExchanges {
  std::string reason{};  // "export: queue_full"
  std::uint64_t count = 0;
};

// The latest that one agent said of itself.
struct NodeCoverage {
  std::string node{};      // Kubernetes' name of it, or the host's
  std::string instance{};  // service.instance.id of the agent
  std::string version{};
  std::uint64_t seen_at_ns = 0;  // the report's own time, since 1970 UTC
  std::uint64_t reported = 0;
  std::vector<DroppedExchanges> dropped{};
  std::vector<ProcessCoverage> processes{};
};

// The self reports of agents, out of the metrics that pass by: see docs/self-report.md for their
// shape. In memory: an agent says all of it again every minute. At most 1,000 agents of 2,000
// processes; one that said nothing for ten minutes is forgotten. Thread-safe.
class CoverageTable {
 public:
  struct Taken {
    std::uint64_t own = 0;    // data points that were an agent's report
    std::uint64_t other = 0;  // all others, of which nothing is kept
  };
  // An ExportMetricsServiceRequest. What is malformed is passed over.
  Taken Take(std::string_view request, std::uint64_t now_ns);

  // By node's name.
  std::vector<NodeCoverage> Nodes(std::uint64_t now_ns) const;

 private:
  struct Entry {
    NodeCoverage said{};
    std::uint64_t heard_ns = 0;
  };
  void Keep(NodeCoverage said, std::uint64_t now_ns);

  mutable std::mutex mutex_;
  std::map<std::string, Entry> agents_{};  // by instance
};

}  // namespace wirespan::gateway::store
