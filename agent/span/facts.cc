#include "agent/span/facts.h"

#include <algorithm>
#include <array>

#include "agent/protocol/http2/error_code.h"
#include "agent/span/rpc_facts.h"
#include "common/base/strings.h"

namespace wirespan::span {
namespace {

using protocol::Exchange;
using protocol::Outcome;

// "000" to "999", for error.type.
std::string_view StatusText(int status) {
  static const auto kTexts = [] {
    std::array<std::array<char, 3>, 1000> texts{};
    for (int i = 0; i < 1000; ++i) {
      texts[static_cast<std::size_t>(i)] = {static_cast<char>('0' + i / 100),
                                            static_cast<char>('0' + i / 10 % 10),
                                            static_cast<char>('0' + i % 10)};
    }
    return texts;
  }();
  if (status < 0 || status > 999) return {};
  return {kTexts[static_cast<std::size_t>(status)].data(), 3};
}

std::string_view VersionText(const Exchange& exchange) {
  switch (exchange.version_major * 10 + exchange.version_minor) {
    case 9:
      return "0.9";
    case 10:
      return "1.0";
    case 11:
      return "1.1";
    case 20:
      return "2";
    default:
      return {};
  }
}

// A server's scheme as the outermost proxy says; a client's as the target says. Capture sees plain
// text only, so the rest is http.
std::string_view Scheme(const Exchange& exchange, const ExchangeFacts& facts,
                        const Forwarded& forwarded) {
  std::string_view scheme;
  if (facts.server) {
    scheme = CanonicalScheme(forwarded.proto);
    if (scheme.empty() && !exchange.x_forwarded_proto.empty()) {
      scheme = CanonicalScheme(FirstListElement(exchange.x_forwarded_proto));
    }
  }
  if (scheme.empty()) scheme = CanonicalScheme(facts.target.scheme);
  if (scheme.empty()) scheme = CanonicalScheme(exchange.scheme);  // HTTP/2
  return scheme.empty() ? "http" : scheme;
}

Authority ServerAuthority(const Exchange& exchange, const ExchangeFacts& facts,
                          const Forwarded& forwarded) {
  Authority found;
  if (facts.server) {
    if (!forwarded.host.empty()) found = ParseAuthority(forwarded.host);
    if (!found.valid && !exchange.x_forwarded_host.empty()) {
      found = ParseAuthority(FirstListElement(exchange.x_forwarded_host));
    }
  }
  // An absolute target outranks Host (RFC 9112 section 3.2.2).
  if (!found.valid && !facts.target.authority.empty())
    found = ParseAuthority(facts.target.authority);
  if (!found.valid && !exchange.host.empty()) found = ParseAuthority(exchange.host);
  return found;
}

// HTTP: the port that a URL without one means. A channel's authority means none: it may be any
// name.
std::uint16_t DefaultPort(const ExchangeFacts& facts) {
  if (facts.rpc != nullptr) return 0;
  return facts.scheme == "https" ? 443 : facts.scheme == "http" ? 80 : 0;
}

void FindServer(const connection::ConnectionInfo& connection, const Exchange& exchange,
                const Forwarded& forwarded, ExchangeFacts& facts) {
  // A gRPC client says "localhost" over a Unix socket; the conventions want the socket's path.
  const bool by_path = facts.rpc != nullptr && !facts.server &&
                       connection.remote.family == connection::Family::kUnix &&
                       !connection.remote.path.empty();
  const Authority authority = by_path ? Authority{} : ServerAuthority(exchange, facts, forwarded);
  if (authority.valid) {
    facts.server_address = authority.host;
    facts.server_port = authority.port != 0 ? authority.port : DefaultPort(facts);
    return;
  }
  if (facts.server) return;  // recommended only, and nothing names it
  facts.address_storage = connection::AddressText(connection.remote);
  facts.server_address = facts.address_storage;
  facts.server_port = connection.remote.port;
}

void FindReset(const Exchange& exchange, ExchangeFacts& facts) {
  using protocol::Reset;
  const bool cut =
      exchange.outcome == Outcome::kNoResponse || exchange.outcome == Outcome::kResponseAborted;
  if (exchange.reset == Reset::kNone || !cut) return;
  facts.reset_by = exchange.reset == Reset::kClient   ? "client"
                   : exchange.reset == Reset::kServer ? "server"
                                                      : "goaway";
  facts.reset_code = http2::ErrorName(exchange.reset_code);
}

// error.type of an exchange that was not answered to its end.
std::string_view CutOff(const Exchange& exchange) {
  using protocol::Reset;
  const std::string_view outcome =
      exchange.outcome == Outcome::kNoResponse ? "no_response" : "response_aborted";
  const std::uint32_t code = exchange.reset_code;
  const std::string_view name = http2::ErrorName(code);
  switch (exchange.reset) {
    case Reset::kNone:
      break;
    case Reset::kClient:  // some that give up say NO_ERROR
      return code == http2::kCancel || code == http2::kNoError ? std::string_view() : name;
    case Reset::kServer:
      return code == http2::kNoError ? outcome : name;
    case Reset::kGoaway:
      return code == http2::kNoError ? "goaway" : name;
  }
  return outcome;
}

void FindError(const Exchange& exchange, ExchangeFacts& facts) {
  const int code = exchange.status;
  const bool bad_status = code >= 500 || (code >= 400 && !facts.server);
  if (!facts.rpc_status.empty()) {
    // The call's status says it all.
  } else if (bad_status) {
    facts.error_type = StatusText(code);
    if (facts.error_type.empty()) facts.error_type = "_OTHER";
  } else if (exchange.outcome == Outcome::kNoResponse ||
             exchange.outcome == Outcome::kResponseAborted) {
    facts.error_type = CutOff(exchange);
  }
  facts.status = facts.error_type.empty() ? Status::kUnset : Status::kError;
}

void FindMethod(const Exchange& exchange, const KnownMethods& methods, ExchangeFacts& facts) {
  if (methods.Contains(exchange.method)) {
    facts.method = exchange.method;
  } else {
    facts.method = "_OTHER";
    facts.method_original = exchange.method;
  }
}

void FindDuration(const Exchange& exchange, ExchangeFacts& facts) {
  std::uint64_t end = exchange.response_end_ns;
  if (end == 0 || end < exchange.request_start_ns) {
    facts.end_inferred = true;
    end =
        std::max({exchange.request_start_ns, exchange.request_end_ns, exchange.response_start_ns});
  }
  facts.duration_ns = end - exchange.request_start_ns;
}

}  // namespace

KnownMethods::KnownMethods()
    : methods_{"GET",   "POST",    "PUT",     "DELETE", "HEAD",
               "PATCH", "OPTIONS", "CONNECT", "TRACE",  "QUERY"} {}

KnownMethods::KnownMethods(std::string_view list) {
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    const std::string_view method = TrimAscii(list.substr(at, comma - at));
    if (!method.empty()) methods_.emplace_back(method);
    at = comma + 1;
  }
  if (methods_.empty()) *this = KnownMethods();
}

bool KnownMethods::Contains(std::string_view method) const {
  return std::find(methods_.begin(), methods_.end(), method) != methods_.end();
}

void ComputeFacts(const connection::ConnectionInfo& connection, const Exchange& exchange,
                  const KnownMethods& methods, ExchangeFacts& facts) {
  facts.server = exchange.side == protocol::Side::kServer;
  if (exchange.rpc) {
    FindRpc(exchange, facts);
  } else {
    FindMethod(exchange, methods, facts);
    facts.target = ParseTarget(exchange.method, exchange.target);
    facts.target_known = !exchange.target.empty() || facts.target.form == TargetForm::kAuthority;
  }
  const Forwarded forwarded = facts.server && !exchange.forwarded.empty()
                                  ? ParseForwarded(exchange.forwarded)
                                  : Forwarded{};
  facts.scheme = Scheme(exchange, facts, forwarded);
  FindServer(connection, exchange, forwarded, facts);
  facts.protocol_version = VersionText(exchange);
  facts.status_code = exchange.status;
  FindReset(exchange, facts);
  FindError(exchange, facts);
  FindDuration(exchange, facts);
}

}  // namespace wirespan::span
