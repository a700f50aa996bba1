#include "agent/span/attributes.h"

#include "agent/span/attribute_names.h"
#include "agent/span/attribute_writer.h"
#include "agent/span/rpc_attributes.h"

namespace wirespan::span {
namespace {

using connection::ConnectionInfo;
using connection::Family;
using protocol::Exchange;

// AddressText without the C library's formatting, which would be a tenth of the whole stage.
std::string_view PeerText(const connection::Endpoint& end, SpanScratch& scratch) {
  if (end.family != Family::kInet) {
    scratch.client = connection::AddressText(end);
    return scratch.client;
  }
  char* at = scratch.peer;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i != 0) *at++ = '.';
    const unsigned byte = end.ip[i];
    if (byte >= 100) *at++ = static_cast<char>('0' + byte / 100);
    if (byte >= 10) *at++ = static_cast<char>('0' + byte / 10 % 10);
    *at++ = static_cast<char>('0' + byte % 10);
  }
  return {scratch.peer, static_cast<std::size_t>(at - scratch.peer)};
}

void AddServerUrl(const ExchangeFacts& facts, const AttributeOptions& options, SpanScratch& scratch,
                  AttributeWriter& list) {
  list.Text(names::kUrlPath, facts.target.path);
  if (facts.target.has_query && !facts.target.query.empty() &&
      options.query != QueryRedaction::kDrop) {
    scratch.url.clear();
    AppendRedactedQuery(scratch.url, facts.target.query, options.query);
    list.Text(names::kUrlQuery, scratch.url);
  }
}

void AddClientUrl(const ExchangeFacts& facts, const AttributeOptions& options, SpanScratch& scratch,
                  AttributeWriter& list) {
  const Target& target = facts.target;
  std::string& full = scratch.url;
  full.clear();
  if (target.form != TargetForm::kAuthority) {  // CONNECT has no URL: host:port is all
    full += facts.scheme;
    full += "://";
    if (target.form == TargetForm::kAbsolute &&
        target.authority.find('@') != std::string_view::npos) {
      full += "REDACTED:REDACTED@";
    }
  }
  const bool ipv6 = facts.server_address.find(':') != std::string_view::npos;
  const bool path_name =
      facts.server_address.find('/') != std::string_view::npos;  // a Unix socket, no Host
  if (!path_name) {
    if (ipv6) full += '[';
    full += facts.server_address;
    if (ipv6) full += ']';
  }
  const bool default_port = (facts.server_port == 80 && facts.scheme == "http") ||
                            (facts.server_port == 443 && facts.scheme == "https");
  if (facts.server_port != 0 && (!default_port || target.form == TargetForm::kAuthority)) {
    full += ':';
    full += std::to_string(facts.server_port);
  }
  if (target.form != TargetForm::kAsterisk && !target.path.empty()) {
    if (target.path.front() != '/') full += '/';
    full += target.path;
  }
  if (target.has_query && options.query != QueryRedaction::kDrop) {
    full += '?';
    AppendRedactedQuery(full, target.query, options.query);
  }
  list.Text(names::kUrlFull, full);
}

// Who asked, as the outermost proxy says; else as the connection says.
std::string_view ClientAddressOf(const ConnectionInfo& connection, const Exchange& exchange,
                                 std::string_view peer) {
  std::string_view address;
  if (!exchange.forwarded.empty())
    address = NodeAddress(ParseForwarded(exchange.forwarded).for_node);
  if (address.empty() && !exchange.x_forwarded_for.empty()) {
    address = NodeAddress(FirstListElement(exchange.x_forwarded_for));
  }
  if (address.empty()) address = exchange.proxy_client_address;
  if (!address.empty()) return address;
  return connection.remote.family == Family::kUnix ? std::string_view() : peer;
}

// The address itself, or what the mode leaves of it, made in `limited`.
std::string_view Limit(std::string_view address, ClientAddress mode, std::string& limited) {
  if (mode == ClientAddress::kFull) return address;
  limited = LimitedClientAddress(address, mode);
  return limited;
}

void AddPeers(const ConnectionInfo& connection, const Exchange& exchange,
              const ExchangeFacts& facts, const AttributeOptions& options, SpanScratch& scratch,
              AttributeWriter& list) {
  const bool unix_socket =
      connection.local.family == Family::kUnix || connection.remote.family == Family::kUnix;
  std::string_view peer = PeerText(connection.remote, scratch);
  if (facts.server) {
    const std::string_view client = ClientAddressOf(connection, exchange, peer);
    list.Text(names::kClientAddress, Limit(client, options.client_address, scratch.limited_client));
    // The peer may well be the client: the same limits hold for it.
    if (!unix_socket) peer = Limit(peer, options.client_address, scratch.limited_peer);
  }
  if (unix_socket) {
    list.Known(names::kNetworkTransport, "unix");
    // The end that listens has the name.
    list.Text(names::kNetworkPeerAddress,
              peer.empty() && facts.server ? std::string_view(connection.local.path) : peer);
  } else if (!peer.empty() && connection.remote.family != Family::kUnknown) {
    list.Text(names::kNetworkPeerAddress, peer);
    list.Number(names::kNetworkPeerPort, connection.remote.port);
  }
}

void AddIncomplete(std::uint8_t bits, std::string& text, AttributeWriter& list) {
  if (bits == protocol::kIncompleteNone) return;
  static constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
      {protocol::kIncompleteRequestHead, "request_head"},
      {protocol::kIncompleteResponseHead, "response_head"},
      {protocol::kIncompleteRequestBody, "request_body"},
      {protocol::kIncompleteResponseBody, "response_body"},
      {protocol::kIncompleteHpack, "hpack"},
  };
  text.clear();
  for (const auto& [bit, name] : kNames) {
    if ((bits & bit) == 0) continue;
    if (!text.empty()) text += ',';
    text += name;
  }
  list.Known(names::kWirespanIncomplete, text);
}

// A call whose protocol is inferred ended as it should: neither its end nor its status is.
std::string_view Inferred(const ExchangeFacts& facts) {
  if (facts.rpc != nullptr && facts.rpc->protocol_inferred) return "protocol";
  const bool status = facts.rpc != nullptr && facts.rpc->status_inferred;
  if (!facts.end_inferred) return status ? "status" : std::string_view();
  return status ? "end_time,status" : "end_time";
}

void AddHttp(const Exchange& exchange, const ExchangeFacts& facts, const AttributeOptions& options,
             SpanScratch& scratch, AttributeWriter& list) {
  list.Text(names::kHttpRequestMethod, facts.method);
  list.Text(names::kHttpRequestMethodOriginal, facts.method_original);
  if (facts.server) {
    AddServerUrl(facts, options, scratch, list);
    list.Text(names::kUrlScheme, facts.scheme);
  } else if (facts.target_known) {
    AddClientUrl(facts, options, scratch, list);
  }
  if (facts.status_code != 0) list.Number(names::kHttpResponseStatusCode, facts.status_code);
  if (facts.server && !facts.route.empty()) {
    list.Text(names::kHttpRoute, facts.route);
    list.Known(names::kWirespanRouteSource, "config");
  }
  if (exchange.request_body_bytes) {
    list.Number(names::kHttpRequestBodySize,
                static_cast<std::int64_t>(*exchange.request_body_bytes));
  }
  if (exchange.response_body_bytes) {
    list.Number(names::kHttpResponseBodySize,
                static_cast<std::int64_t>(*exchange.response_body_bytes));
  }
}

}  // namespace

std::string_view ParentMethodName(ParentMethod method) {
  switch (method) {
    case ParentMethod::kHeader:
      return "header";
    case ParentMethod::kWire:
      return "wire";
    case ParentMethod::kThread:
      return "thread";
    case ParentMethod::kNone:
      break;
  }
  return {};
}

Text SpanName(const ExchangeFacts& facts, SpanScratch& scratch) {
  if (facts.rpc != nullptr) {
    return Text::Borrow(facts.rpc_method == "_OTHER" ? "grpc" : facts.rpc_method);
  }
  const std::string_view method = facts.method == "_OTHER" ? "HTTP" : facts.method;
  if (!facts.server || facts.route.empty()) return Text::Borrow(method);
  scratch.name = method;
  scratch.name += ' ';
  scratch.name += facts.route;
  return Text::Borrow(scratch.name);
}

void SpanAttributes(const ConnectionInfo& connection, const Exchange& exchange,
                    const ExchangeFacts& facts, const Identity& identity, ParentMethod parent,
                    const AttributeOptions& options, SpanScratch& scratch,
                    AttributeList& attributes) {
  AttributeWriter list(attributes);
  std::uint8_t incomplete = exchange.incomplete;
  if (facts.rpc != nullptr) {
    WriteRpcAttributes(facts, list);
    incomplete |= RpcIncomplete(*facts.rpc);
  } else {
    AddHttp(exchange, facts, options, scratch, list);
  }
  list.Text(names::kServerAddress, facts.server_address);
  if (facts.server_port != 0) list.Number(names::kServerPort, facts.server_port);
  list.Known(names::kErrorType, facts.error_type);
  list.Known(names::kNetworkProtocolVersion, facts.protocol_version);
  AddPeers(connection, exchange, facts, options, scratch, list);
  list.Text(names::kUserAgentOriginal, exchange.user_agent);
  WriteHex(identity.wire_id, scratch.wire_id);
  list.Known(names::kWirespanWireId, {scratch.wire_id, sizeof scratch.wire_id});
  if (identity.kind == WireKind::kNone) list.Known(names::kWirespanWire, "none");
  list.Known(names::kWirespanParentMethod, ParentMethodName(parent));
  list.Known(names::kWirespanResetBy, facts.reset_by);
  list.Known(names::kWirespanResetCode, facts.reset_code);
  AddIncomplete(incomplete, scratch.incomplete, list);
  list.Known(names::kWirespanInferred, Inferred(facts));
}

}  // namespace wirespan::span
