#include "common/http/url.h"

#include <arpa/inet.h>

#include <optional>

#include "common/base/strings.h"

namespace wirespan::http {
namespace {

constexpr std::size_t kMaxUrlBytes = 8192;

tl::unexpected<Error> Bad(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, "URL " + std::string(why));
}

// nullopt: a '%' without two hex digits, or a decoded control character.
std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto byte = ParseHex(text.substr(i + 1, 2));
    if (!byte || *byte < 0x20 || *byte == 0x7f) return std::nullopt;
    out.push_back(static_cast<char>(*byte));
    i += 2;
  }
  return out;
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (!fits) return false;
  }
  return true;
}

}  // namespace

std::string Url::authority() const {
  return (ipv6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::host_header() const {
  if (!default_port()) return authority();
  return ipv6() ? "[" + host + "]" : host;
}

std::string Url::target() const { return query.empty() ? path : path + "?" + query; }

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return Bad("is longer than 8192 bytes");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      return Bad("holds a space, a control character or a byte that is not ASCII");
    }
  }
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return Bad("lacks \"http://\" or \"https://\"");
  url.scheme = AsciiLower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") return Bad("is neither http nor https");
  text.remove_prefix(scheme_end + 3);
  text = text.substr(0, text.find('#'));

  const std::size_t authority_end = text.find_first_of("/?");
  std::string_view authority = text.substr(0, authority_end);
  std::string_view rest = authority_end == std::string_view::npos ? "" : text.substr(authority_end);

  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view info = authority.substr(0, at);
    const std::size_t colon = info.find(':');
    const auto user = PercentDecode(info.substr(0, colon));
    const auto password =
        PercentDecode(colon == std::string_view::npos ? "" : info.substr(colon + 1));
    if (!user || !password) return Bad("has a user or password that is not percent-encoded");
    url.user = *user;
    url.password = *password;
    authority.remove_prefix(at + 1);
  }

  std::string_view port_text;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return Bad("has a '[' without its ']'");
    url.host = AsciiLower(authority.substr(1, close - 1));
    in6_addr address{};
    if (::inet_pton(AF_INET6, url.host.c_str(), &address) != 1) {
      return Bad("has brackets around what is no IPv6 address");
    }
    const std::string_view after = authority.substr(close + 1);
    if (!after.empty() && after[0] != ':') return Bad("has text between ']' and the port");
    has_port = !after.empty();
    port_text = has_port ? after.substr(1) : after;
  } else {
    const std::size_t colon = authority.find(':');
    url.host = AsciiLower(authority.substr(0, colon));
    has_port = colon != std::string_view::npos;
    port_text = has_port ? authority.substr(colon + 1) : "";
    if (url.host.empty()) return Bad("has no host");
    if (!IsHostName(url.host)) return Bad("has a host with characters that no host name has");
  }
  url.port = url.tls() ? 443 : 80;
  if (has_port && !port_text.empty()) {
    const auto port = ParseUint(port_text);
    if (!port || *port == 0 || *port > 65535) return Bad("has a port that is not 1 to 65535");
    url.port = static_cast<std::uint16_t>(*port);
  }

  const std::size_t question = rest.find('?');
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  url.path = rest.substr(0, question);
  if (url.path.empty()) url.path = "/";
  return url;
}

}  // namespace wirespan::http
