#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace wirespan::http {

// An absolute http or https URL, taken apart (RFC 3986 without relative references; the fragment is
// dropped).
struct Url {
  std::string scheme{};    // "http" or "https"
  std::string user{};      // percent-decoded
  std::string password{};  // percent-decoded
  std::string host{};      // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  // the scheme's own, if not written
  std::string path = "/";  // as written
  std::string query{};     // after '?', as written

  bool tls() const { return scheme == "https"; }
  bool ipv6() const { return host.find(':') != std::string::npos; }
  bool default_port() const { return port == (tls() ? 443 : 80); }
  std::string authority() const;    // "host:port", "[::1]:4318"
  std::string host_header() const;  // the same without a default port
  std::string target() const;       // "/path?query"
};

// kInvalidArgument names what is wrong, without repeating user and password.
Result<Url> ParseUrl(std::string_view text);

}  // namespace wirespan::http
