#include "common/http/proxy.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <optional>

#include "common/base/strings.h"

namespace wirespan::http {
namespace {

// IPv4 is kept mapped (::ffff:a.b.c.d), so that both families compare alike.
using Address = std::array<unsigned char, 16>;

std::optional<Address> ParseAddress(std::string_view text, bool* v4 = nullptr) {
  const std::string copy(text);
  Address out{};
  in_addr four{};
  if (::inet_pton(AF_INET, copy.c_str(), &four) == 1) {
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, &four, 4);
    if (v4 != nullptr) *v4 = true;
    return out;
  }
  if (v4 != nullptr) *v4 = false;
  if (::inet_pton(AF_INET6, copy.c_str(), out.data()) == 1) return out;
  return std::nullopt;
}

bool SamePrefix(const Address& a, const Address& b, unsigned bits) {
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned mask = 0x80u >> (i % 8);
    if ((a[i / 8] & mask) != (b[i / 8] & mask)) return false;
  }
  return true;
}

bool IsLoopback(const Address& address) {
  static const Address kV6 = *ParseAddress("::1");
  static const Address kV4 = *ParseAddress("127.0.0.0");
  return address == kV6 || SamePrefix(address, kV4, 96 + 8);
}

bool Matches(const Url& url, const std::optional<Address>& address, std::string_view entry) {
  if (entry == "*") return true;
  if (const std::size_t slash = entry.find('/'); slash != std::string_view::npos) {
    bool v4 = false;
    const auto network = ParseAddress(entry.substr(0, slash), &v4);
    const auto bits = ParseUint(entry.substr(slash + 1));
    if (!network || !bits || *bits > (v4 ? 32u : 128u) || !address) return false;
    return SamePrefix(*address, *network, static_cast<unsigned>(*bits) + (v4 ? 96 : 0));
  }
  if (ParseAddress(entry)) return address && *address == *ParseAddress(entry);
  std::string_view host = entry;
  if (const std::size_t colon = entry.rfind(':'); colon != std::string_view::npos) {
    const auto port = ParseUint(entry.substr(colon + 1));
    if (!port || *port != url.port) return false;
    host = entry.substr(0, colon);
  }
  if (host.size() > 2 && host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (const auto one = ParseAddress(host)) return address && *address == *one;
  if (host.starts_with("*.")) host.remove_prefix(1);
  if (host.empty()) return false;
  const std::string lower = AsciiLower(host);
  if (lower[0] == '.') return url.host.size() > lower.size() && url.host.ends_with(lower);
  return url.host == lower || url.host.ends_with("." + lower);
}

}  // namespace

bool BypassesProxy(const Url& url, std::string_view no_proxy) {
  const auto address = ParseAddress(url.host);
  if (url.host == "localhost" || (address && IsLoopback(*address))) return true;
  for (const std::string_view entry : SplitList(no_proxy)) {
    if (Matches(url, address, entry)) return true;
  }
  return false;
}

ProxySettings ProxyFromEnvironment(const std::function<const char*(const char*)>& lookup) {
  const auto read = [&](const char* lower, const char* upper) -> std::string {
    if (const char* value = lookup(lower); value != nullptr && *value != '\0') return value;
    const char* value = upper == nullptr ? nullptr : lookup(upper);
    return value == nullptr ? "" : value;
  };
  const bool cgi = lookup("REQUEST_METHOD") != nullptr;
  return {.http_proxy = read("http_proxy", cgi ? nullptr : "HTTP_PROXY"),
          .https_proxy = read("https_proxy", "HTTPS_PROXY"),
          .no_proxy = read("no_proxy", "NO_PROXY")};
}

}  // namespace wirespan::http
