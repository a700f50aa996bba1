#include "agent/span/facts.h"

#include <algorithm>
#include <array>

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
std::string_view Scheme(const Exchange& exchange, const HttpFacts& facts,
                        const Forwarded& forwarded) {
  std::string_view scheme;
  if (facts.server) {
    scheme = CanonicalScheme(forwarded.proto);
    if (scheme.empty() && !exchange.x_forwarded_proto.empty()) {
      scheme = CanonicalScheme(FirstListElement(exchange.x_forwarded_proto));
    }
  }
  if (scheme.empty()) scheme = CanonicalScheme(facts.target.scheme);
  return scheme.empty() ? "http" : scheme;
}

Authority ServerAuthority(const Exchange& exchange, const HttpFacts& facts,
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

void FindServer(const connection::ConnectionInfo& connection, const Exchange& exchange,
                const Forwarded& forwarded, HttpFacts& facts) {
  const Authority authority = ServerAuthority(exchange, facts, forwarded);
  if (authority.valid) {
    facts.server_address = authority.host;
    facts.server_port = authority.port;
    if (facts.server_port == 0) {
      facts.server_port = facts.scheme == "https" ? 443 : facts.scheme == "http" ? 80 : 0;
    }
    return;
  }
  if (facts.server) return;  // recommended only, and nothing names it
  facts.address_storage = connection::AddressText(connection.remote);
  facts.server_address = facts.address_storage;
  facts.server_port = connection.remote.port;
}

void FindError(const Exchange& exchange, HttpFacts& facts) {
  const int code = exchange.status;
  const bool bad_status = code >= 500 || (code >= 400 && !facts.server);
  if (bad_status) {
    facts.error_type = StatusText(code);
    if (facts.error_type.empty()) facts.error_type = "_OTHER";
  } else if (exchange.outcome == Outcome::kNoResponse) {
    facts.error_type = "no_response";
  } else if (exchange.outcome == Outcome::kResponseAborted) {
    facts.error_type = "response_aborted";
  }
  facts.status = facts.error_type.empty() ? Status::kUnset : Status::kError;
}

void FindDuration(const Exchange& exchange, HttpFacts& facts) {
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
                  const KnownMethods& methods, HttpFacts& facts) {
  facts.server = exchange.side == protocol::Side::kServer;
  if (methods.Contains(exchange.method)) {
    facts.method = exchange.method;
  } else {
    facts.method = "_OTHER";
    facts.method_original = exchange.method;
  }
  facts.target = ParseTarget(exchange.method, exchange.target);
  const Forwarded forwarded = facts.server && !exchange.forwarded.empty()
                                  ? ParseForwarded(exchange.forwarded)
                                  : Forwarded{};
  facts.scheme = Scheme(exchange, facts, forwarded);
  FindServer(connection, exchange, forwarded, facts);
  facts.protocol_version = VersionText(exchange);
  facts.status_code = exchange.status;
  FindError(exchange, facts);
  FindDuration(exchange, facts);
}

}  // namespace wirespan::span
