#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Request targets and host fields, as found on the wire. Views point into the input. Nothing here
// fails: what is not understood is left empty.
namespace wirespan::span {

enum class TargetForm : std::uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk, kOther };

// RFC 9112 section 3.2. `path` is empty only for kAuthority, and where there is no target (one
// that HPACK's holes hide); a fragment, which must not be sent, is cut off. CONNECT with a path is
// a WebSocket's (RFC 8441).
struct Target {
  TargetForm form = TargetForm::kOther;
  std::string_view scheme{};     // kAbsolute
  std::string_view authority{};  // kAbsolute, kAuthority; with user info, if any
  std::string_view path{};
  std::string_view query{};  // after '?'
  bool has_query = false;
};
Target ParseTarget(std::string_view method, std::string_view target);

// host[:port] with optional user info. IPv6 literals lose their brackets. Not valid: both empty.
struct Authority {
  std::string_view host{};
  std::uint16_t port = 0;  // 0: not given
  bool valid = false;
  bool had_user_info = false;
};
Authority ParseAuthority(std::string_view text);

// The first element of a Forwarded header (RFC 7239), quotes taken off.
struct Forwarded {
  std::string_view for_node{};
  std::string_view host{};
  std::string_view proto{};
};
Forwarded ParseForwarded(std::string_view header);

// The first element of a comma-separated list (X-Forwarded-For, -Host, -Proto), trimmed.
std::string_view FirstListElement(std::string_view header);

// The address in a for= node or X-Forwarded-For element: an IP without brackets and port, or an
// obfuscated name
// (`_hidden`). Anything else, and "unknown": empty.
std::string_view NodeAddress(std::string_view node);

bool IsIpAddress(std::string_view text);

// "http" and "https" in lower case, from static storage, for any other case of them; otherwise the
// text itself if it is a short valid scheme, else empty.
std::string_view CanonicalScheme(std::string_view scheme);

}  // namespace wirespan::span
