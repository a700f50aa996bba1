#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/sink/store/red/red_points.h"

namespace wirespan::gateway::store {

// What rates want to know of a SERVER or CLIENT span beside its row. Views point into the span.
struct SpanFacts {
  enum class Protocol : std::uint8_t { kOther, kHttp, kRpc };
  Protocol protocol = Protocol::kOther;
  std::string_view method{};  // http.request.method or rpc.method
  std::string_view route{};
  bool error = false;  // error.type is there
  // Of a client: what it called.
  std::string_view address{};
  std::uint64_t port = 0;
  std::string_view workload_namespace{};  // wirespan.peer.k8s.*
  std::string_view workload{};            // a Deployment or its like, else a pod

  // "address:port"; empty: not known.
  std::string Peer() const { return red::PeerText(address, port); }
  // "namespace/name"; empty: not known.
  std::string PeerName() const;
};

SpanFacts ReadSpanFacts(std::string_view span, std::uint64_t kind);

// Which of the agent's metrics counts such exchanges. False: none.
bool RedKindOf(const SpanFacts& facts, std::uint64_t kind, red::RedKind& red);

// service.instance.id of a ResourceSpans' fields.
std::string InstanceOf(std::string_view resource_head);
// Whether these fields of a ScopeSpans name the agent as the scope.
bool IsOfAgent(std::string_view scope_head);

}  // namespace wirespan::gateway::store
