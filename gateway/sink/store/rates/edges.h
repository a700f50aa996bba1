#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/sink/store/rates/series.h"

namespace wirespan::gateway::store::rates {

// The name of a series of kPeerAnswer and kPeerName.
std::string PeerPair(std::string_view peer, std::string_view name);

// Who calls whom.
struct Edge {
  std::string client{};
  std::string server{};  // a service; not observed: a name or an address
  bool observed = true;
  Cell cell{};
};

// Puts together what two sides say of the same calls. A call whose both ends came is an edge by
// the answering end (kEdge). The calling end is counted apart, by the address that it called:
//
//   kPeer        every call: one for each CLIENT span, or by the agent's metric
//   kPeerAnswer  those of them whose other end came, and who that was
//
// What is left of kPeer without kPeerAnswer had one end only. If anything at that address answered
// this caller in the time in question, then so did it, in the same proportions; else the address
// is somebody who is not observed. So the other end may come as late as it likes: nothing is told
// twice, and what was an address becomes a service for the past too.
class EdgeSum {
 public:
  void Add(const SeriesKey& key, const Cell& cell);
  std::vector<Edge> Edges() const;  // by client, then server

 private:
  struct Peer {
    Cell all{};
    Cell answered{};
    std::map<std::string, std::uint64_t> answers{};  // by service
    std::map<std::string, std::uint64_t> names{};
  };
  std::map<std::pair<std::string, std::string>, Cell> edges_{};
  std::map<std::pair<std::string, std::string>, Peer> peers_{};  // by client and address
};

// What is in `from` without what is in `less`, which is part of it (or nearly so: nothing gets
// negative).
Cell Without(const Cell& from, const Cell& less);

}  // namespace wirespan::gateway::store::rates
