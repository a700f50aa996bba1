#include "gateway/sink/store/span_facts.h"

#include "common/base/strings.h"
#include "gateway/sink/store/red/attributes.h"
#include "gateway/sink/store/span_row.h"

namespace wirespan::gateway::store {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using red::Port;
using red::Text;

constexpr std::uint64_t kServer = 2;
constexpr std::uint64_t kClient = 3;
constexpr std::size_t kMaxNameBytes = 100;
constexpr std::string_view kPeerPrefix = "wirespan.peer.k8s.";

// Names of a peer by several attributes: the first in this order that is there.
struct Addresses {
  std::string_view server{}, net{}, network{};
  std::uint64_t server_port = 0, net_port = 0, network_port = 0;
};

void ReadPeerAttribute(std::string_view key, const AnyValue& value, SpanFacts& facts,
                       Addresses& addresses) {
  if (key.empty() || (key[0] != 's' && key[0] != 'n' && key[0] != 'w')) return;
  if (key == "server.address") addresses.server = Text(value);
  if (key == "server.port") addresses.server_port = Port(value);
  if (key == "net.peer.name") addresses.net = Text(value);  // conventions before 1.21
  if (key == "net.peer.port") addresses.net_port = Port(value);
  if (key == "network.peer.address") addresses.network = Text(value);
  if (key == "network.peer.port") addresses.network_port = Port(value);
  if (!key.starts_with(kPeerPrefix)) return;
  key.remove_prefix(kPeerPrefix.size());
  if (key == "namespace.name") {
    facts.workload_namespace = Text(value);
  } else if (key != "pod.name" || facts.workload.empty()) {
    if (key.ends_with(".name")) facts.workload = Text(value);
  }
}

}  // namespace

std::string SpanFacts::PeerName() const {
  if (workload.empty()) return {};
  std::string name(TruncateUtf8(workload_namespace, kMaxNameBytes / 2));
  if (!name.empty()) name += '/';
  return name.append(TruncateUtf8(workload, kMaxNameBytes / 2));
}

SpanFacts ReadSpanFacts(std::string_view span, std::uint64_t kind) {
  SpanFacts facts;
  if (kind != kServer && kind != kClient) return facts;
  Addresses addresses;
  Reader reader(span);
  for (Field field; reader.Next(field);) {
    if (!field.Is(9, WireType::kBytes)) continue;
    red::ReadPair(field.bytes, [&](std::string_view key, const AnyValue& value) {
      if (key == "error.type") facts.error = !Text(value).empty();
      if (key == "http.route") facts.route = Text(value);
      if (key == "rpc.system.name") facts.protocol = SpanFacts::Protocol::kRpc;
      if (key == "rpc.method") facts.method = Text(value);
      if (key == "http.request.method" && facts.protocol != SpanFacts::Protocol::kRpc) {
        facts.protocol = SpanFacts::Protocol::kHttp;
        facts.method = Text(value);
      }
      if (kind == kClient) ReadPeerAttribute(key, value, facts, addresses);
    });
  }
  if (!addresses.server.empty()) {
    facts.address = addresses.server;
    facts.port = addresses.server_port;
  } else if (!addresses.net.empty()) {
    facts.address = addresses.net;
    facts.port = addresses.net_port;
  } else {
    facts.address = addresses.network;
    facts.port = addresses.network_port;
  }
  return facts;
}

bool RedKindOf(const SpanFacts& facts, std::uint64_t kind, red::RedKind& red) {
  using red::RedKind;
  if (kind != kServer && kind != kClient) return false;
  const bool serves = kind == kServer;
  switch (facts.protocol) {
    case SpanFacts::Protocol::kOther:
      return false;
    case SpanFacts::Protocol::kHttp:
      red = serves ? RedKind::kHttpServer : RedKind::kHttpClient;
      return true;
    case SpanFacts::Protocol::kRpc:
      red = serves ? RedKind::kRpcServer : RedKind::kRpcClient;
      return true;
  }
  return false;
}

std::string InstanceOf(std::string_view resource_head) {
  std::string instance;
  Reader resource(FindMessage(resource_head, 1));
  for (Field field; resource.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    red::ReadPair(field.bytes, [&](std::string_view key, const AnyValue& value) {
      if (key == "service.instance.id") instance = Text(value);
    });
  }
  return instance;
}

bool IsOfAgent(std::string_view scope_head) {
  Reader scope(FindMessage(scope_head, 1));
  for (Field field; scope.Next(field);) {
    if (field.Is(1, WireType::kBytes)) return field.bytes == red::kAgentScope;
  }
  return false;
}

}  // namespace wirespan::gateway::store
