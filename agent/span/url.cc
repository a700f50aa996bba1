#include "agent/span/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/strings.h"

namespace wirespan::span {
namespace {

constexpr bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsScheme(std::string_view text) {
  if (text.empty() || text.size() > 16 || !IsAlpha(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
  });
}

// RFC 3986 reg-name, and what people put there (underscores and non-ASCII stay out of controls and
// delimiters).
bool IsHostName(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  static constexpr auto kAllowed = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 128; ++c) {
      const char byte = static_cast<char>(c);
      table[static_cast<std::size_t>(c)] =
          IsAlpha(byte) || IsDigit(byte) ||
          std::string_view("-._~%!$&'()*+,;=").find(byte) != std::string_view::npos;
    }
    return table;
  }();
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return kAllowed[static_cast<unsigned char>(c)]; });
}

void SplitPathQuery(std::string_view text, Target& target) {
  text = text.substr(0, text.find('#'));
  const std::size_t mark = text.find('?');
  if (mark != std::string_view::npos) {
    target.query = text.substr(mark + 1);
    target.has_query = true;
    text = text.substr(0, mark);
  }
  target.path = text;
}

// -1: not a port.
int ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5) return -1;
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port > 65535) return -1;
  return port;
}

}  // namespace

Target ParseTarget(std::string_view method, std::string_view target) {
  Target parsed;
  if (target.empty() && method != "CONNECT") return parsed;
  if (method == "CONNECT" && !target.starts_with('/')) {
    parsed.form = TargetForm::kAuthority;
    parsed.authority = target;
    return parsed;
  }
  if (!target.empty() && target.front() == '/') {
    parsed.form = TargetForm::kOrigin;
    SplitPathQuery(target, parsed);
    return parsed;
  }
  if (target == "*") {
    parsed.form = TargetForm::kAsterisk;
    parsed.path = target;
    return parsed;
  }
  const std::size_t colon = target.find("://");
  if (colon != std::string_view::npos && IsScheme(target.substr(0, colon))) {
    parsed.form = TargetForm::kAbsolute;
    parsed.scheme = target.substr(0, colon);
    const std::string_view rest = target.substr(colon + 3);
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    parsed.authority = rest.substr(0, end);
    SplitPathQuery(rest.substr(end), parsed);
    if (parsed.path.empty()) parsed.path = "/";
    return parsed;
  }
  SplitPathQuery(target, parsed);
  if (parsed.path.empty()) parsed.path = "/";
  return parsed;
}

Authority ParseAuthority(std::string_view text) {
  Authority parsed;
  text = TrimAscii(text);
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    parsed.had_user_info = true;
    text.remove_prefix(at + 1);
  }
  std::string_view host = text, port;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return parsed;
    host = text.substr(1, close - 1);
    const std::string_view after = text.substr(close + 1);
    if (!after.empty()) {
      if (after.front() != ':') return parsed;
      port = after.substr(1);
      has_port = true;
    }
    if (host.find(':') == std::string_view::npos || !IsIpAddress(host)) return parsed;
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
      has_port = true;
    }
    if (!IsHostName(host)) return parsed;
  }
  if (has_port && !port.empty()) {  // "host:" is allowed and means the default
    const int number = ParsePort(port);
    if (number < 0) return parsed;
    parsed.port = static_cast<std::uint16_t>(number);
  }
  parsed.host = host;
  parsed.valid = true;
  return parsed;
}

Forwarded ParseForwarded(std::string_view header) {
  Forwarded parsed;
  std::size_t at = 0;
  while (at < header.size()) {
    // One pair: up to ';' or ',' outside quotes.
    std::size_t end = at;
    bool quoted = false;
    for (; end < header.size(); ++end) {
      const char c = header[end];
      if (quoted && c == '\\') {
        ++end;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && (c == ';' || c == ',')) {
        break;
      }
    }
    end = std::min(end, header.size());
    const std::string_view pair = TrimAscii(header.substr(at, end - at));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) {
      const std::string_view name = TrimAscii(pair.substr(0, equals));
      std::string_view value = TrimAscii(pair.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      if (value.find('\\') != std::string_view::npos)
        value = {};  // nothing legitimate needs an escape here
      if (EqualsIgnoreCase(name, "for")) parsed.for_node = value;
      if (EqualsIgnoreCase(name, "host")) parsed.host = value;
      if (EqualsIgnoreCase(name, "proto")) parsed.proto = value;
    }
    if (end < header.size() && header[end] == ',') break;  // the first element is over
    at = end + 1;
  }
  return parsed;
}

std::string_view FirstListElement(std::string_view header) {
  return TrimAscii(header.substr(0, header.find(',')));
}

bool IsIpAddress(std::string_view text) {
  char buffer[64];
  if (text.empty() || text.size() >= sizeof buffer) return false;
  text.copy(buffer, text.size());
  buffer[text.size()] = '\0';
  unsigned char address[16];
  return inet_pton(text.find(':') == std::string_view::npos ? AF_INET : AF_INET6, buffer,
                   address) == 1;
}

std::string_view NodeAddress(std::string_view node) {
  node = TrimAscii(node);
  if (node.empty()) return {};
  if (node.front() == '[') {
    const std::size_t close = node.find(']');
    if (close == std::string_view::npos) return {};
    const std::string_view inside = node.substr(1, close - 1);
    return IsIpAddress(inside) ? inside : std::string_view{};
  }
  if (node.front() == '_') {
    const bool obfuscated = node.size() <= 64 && std::all_of(node.begin(), node.end(), [](char c) {
                              return IsAlpha(c) || IsDigit(c) || c == '.' || c == '_' || c == '-';
                            });
    return obfuscated ? node : std::string_view{};
  }
  if (IsIpAddress(node)) return node;
  const std::size_t colon = node.find(':');
  if (colon != std::string_view::npos && IsIpAddress(node.substr(0, colon)))
    return node.substr(0, colon);
  return {};
}

std::string_view CanonicalScheme(std::string_view scheme) {
  if (EqualsIgnoreCase(scheme, "http")) return "http";
  if (EqualsIgnoreCase(scheme, "https")) return "https";
  return IsScheme(scheme) ? scheme : std::string_view{};
}

}  // namespace wirespan::span
