#include "agent/span/attributes.h"

#include <charconv>
#include <cstring>

#include "agent/span/attribute_names.h"
#include "common/base/strings.h"

namespace wirespan::span {
namespace {

using connection::ConnectionInfo;
using connection::Family;
using protocol::Exchange;

bool IsAscii(std::string_view text) {
  std::uint64_t all = 0, word = 0;
  for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
    std::memcpy(&word, text.data(), sizeof word);
    all |= word;
  }
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return (all & 0x8080808080808080u) == 0;
}

// Values are made in their place: an attribute is moved nowhere.
class List {
 public:
  List() { list_.reserve(24); }
  void Text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (IsAscii(value)) {
      Add(key).emplace<std::string>(value);
    } else {
      Add(key).emplace<std::string>(ToUtf8(value));
    }
  }
  // Of our own tables, which are ASCII.
  void Known(std::string_view key, std::string_view value) {
    if (!value.empty()) Add(key).emplace<std::string>(value);
  }
  void Owned(std::string_view key, std::string value) {
    if (value.empty()) return;
    if (!IsAscii(value)) value = ToUtf8(value);
    Add(key).emplace<std::string>(std::move(value));
  }
  void Number(std::string_view key, std::int64_t value) { Add(key).emplace<std::int64_t>(value); }
  std::vector<Attribute> Take() { return std::move(list_); }

 private:
  decltype(Attribute::value)& Add(std::string_view key) {
    Attribute& attribute = list_.emplace_back();
    attribute.key = key;
    return attribute.value;
  }

  std::vector<Attribute> list_;
};

// AddressText without the C library's formatting, which would be a tenth of the whole stage.
std::string PeerText(const connection::Endpoint& end) {
  if (end.family != Family::kInet) return connection::AddressText(end);
  char text[16];
  char* at = text;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i != 0) *at++ = '.';
    at = std::to_chars(at, text + sizeof text, end.ip[i]).ptr;
  }
  return std::string(text, at);
}

void AddServerUrl(const HttpFacts& facts, const AttributeOptions& options, List& list) {
  list.Text(names::kUrlPath, facts.target.path);
  if (facts.target.has_query && !facts.target.query.empty() &&
      options.query != QueryRedaction::kDrop) {
    std::string query;
    query.reserve(facts.target.query.size() + 32);
    AppendRedactedQuery(query, facts.target.query, options.query);
    list.Owned(names::kUrlQuery, std::move(query));
  }
}

void AddClientUrl(const HttpFacts& facts, const AttributeOptions& options, List& list) {
  const Target& target = facts.target;
  std::string full;
  full.reserve(facts.scheme.size() + facts.server_address.size() + target.path.size() +
               target.query.size() + 48);
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
  list.Owned(names::kUrlFull, std::move(full));
}

// Who asked, as the outermost proxy says; else as the connection says.
std::string ClientAddressOf(const ConnectionInfo& connection, const Exchange& exchange,
                            const std::string& peer) {
  std::string_view address;
  if (!exchange.forwarded.empty())
    address = NodeAddress(ParseForwarded(exchange.forwarded).for_node);
  if (address.empty() && !exchange.x_forwarded_for.empty()) {
    address = NodeAddress(FirstListElement(exchange.x_forwarded_for));
  }
  if (address.empty()) address = exchange.proxy_client_address;
  if (!address.empty()) return std::string(address);
  return connection.remote.family == Family::kUnix ? std::string() : peer;
}

void AddPeers(const ConnectionInfo& connection, const Exchange& exchange, const HttpFacts& facts,
              const AttributeOptions& options, List& list) {
  const bool unix_socket =
      connection.local.family == Family::kUnix || connection.remote.family == Family::kUnix;
  std::string peer = PeerText(connection.remote);
  if (facts.server) {
    const std::string client = ClientAddressOf(connection, exchange, peer);
    list.Owned(names::kClientAddress, LimitedClientAddress(client, options.client_address));
    // The peer may well be the client: the same limits hold for it.
    if (!unix_socket) peer = LimitedClientAddress(peer, options.client_address);
  }
  if (unix_socket) {
    list.Known(names::kNetworkTransport, "unix");
    // The end that listens has the name.
    list.Text(names::kNetworkPeerAddress,
              peer.empty() && facts.server ? connection.local.path : peer);
  } else if (!peer.empty() && connection.remote.family != Family::kUnknown) {
    list.Owned(names::kNetworkPeerAddress, std::move(peer));
    list.Number(names::kNetworkPeerPort, connection.remote.port);
  }
}

void AddIncomplete(std::uint8_t bits, List& list) {
  if (bits == protocol::kIncompleteNone) return;
  static constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
      {protocol::kIncompleteRequestHead, "request_head"},
      {protocol::kIncompleteResponseHead, "response_head"},
      {protocol::kIncompleteRequestBody, "request_body"},
      {protocol::kIncompleteResponseBody, "response_body"},
      {protocol::kIncompleteHpack, "hpack"},
  };
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((bits & bit) == 0) continue;
    if (!text.empty()) text += ',';
    text += name;
  }
  list.Owned(names::kWirespanIncomplete, std::move(text));
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

std::string SpanName(const HttpFacts& facts) {
  std::string name(facts.method == "_OTHER" ? "HTTP" : facts.method);
  if (facts.server && !facts.route.empty()) {
    name += ' ';
    name += facts.route;
  }
  return name;
}

std::vector<Attribute> SpanAttributes(const ConnectionInfo& connection, const Exchange& exchange,
                                      const HttpFacts& facts, const Identity& identity,
                                      ParentMethod parent, const AttributeOptions& options) {
  List list;
  list.Text(names::kHttpRequestMethod, facts.method);
  list.Text(names::kHttpRequestMethodOriginal, facts.method_original);
  if (facts.server) {
    AddServerUrl(facts, options, list);
    list.Text(names::kUrlScheme, facts.scheme);
  } else {
    AddClientUrl(facts, options, list);
  }
  list.Text(names::kServerAddress, facts.server_address);
  if (facts.server_port != 0) list.Number(names::kServerPort, facts.server_port);
  if (facts.status_code != 0) list.Number(names::kHttpResponseStatusCode, facts.status_code);
  list.Known(names::kErrorType, facts.error_type);
  if (facts.server && !facts.route.empty()) {
    list.Text(names::kHttpRoute, facts.route);
    list.Known(names::kWirespanRouteSource, "config");
  }
  list.Known(names::kNetworkProtocolVersion, facts.protocol_version);
  AddPeers(connection, exchange, facts, options, list);
  list.Text(names::kUserAgentOriginal, exchange.user_agent);
  if (exchange.request_body_bytes) {
    list.Number(names::kHttpRequestBodySize,
                static_cast<std::int64_t>(*exchange.request_body_bytes));
  }
  if (exchange.response_body_bytes) {
    list.Number(names::kHttpResponseBodySize,
                static_cast<std::int64_t>(*exchange.response_body_bytes));
  }
  list.Known(names::kWirespanWireId, Hex(identity.wire_id));
  if (identity.kind == WireKind::kNone) list.Known(names::kWirespanWire, "none");
  list.Known(names::kWirespanParentMethod, ParentMethodName(parent));
  AddIncomplete(exchange.incomplete, list);
  if (facts.end_inferred) list.Known(names::kWirespanInferred, "end_time");
  return list.Take();
}

}  // namespace wirespan::span
