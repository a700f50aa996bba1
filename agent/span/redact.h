#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// What must not leave the node: credentials, signed and secret query values, and if asked the
// address of the client.
namespace wirespan::span {

enum class QueryRedaction : std::uint8_t {
  kKnown,   // the values of keys that are known to be signatures or secrets
  kValues,  // every value
  kDrop,    // no query at all
};

enum class ClientAddress : std::uint8_t {
  kFull,
  kTruncated,  // IPv4 to its /24, IPv6 to its /48; what is no IP is left out
  kOff,
};

inline constexpr std::string_view kRedacted = "REDACTED";

// Appends the query (without '?'), keys kept, values replaced as `mode` says. kDrop appends
// nothing.
void AppendRedactedQuery(std::string& out, std::string_view query, QueryRedaction mode);

// True if the value of this query key (as on the wire, perhaps percent-encoded) is secret. The keys
// that the conventions name match case-sensitively, as they say; ours in any case.
bool IsSecretQueryKey(std::string_view key);

// The address as `mode` lets it out; empty: leave it out.
std::string LimitedClientAddress(std::string_view address, ClientAddress mode);

}  // namespace wirespan::span
