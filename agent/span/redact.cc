#include "agent/span/redact.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "common/base/strings.h"

namespace wirespan::span {
namespace {

// url.full's list in the conventions.
constexpr std::string_view kSigned[] = {
    "X-Amz-Signature",  "X-Amz-Credential", "X-Amz-Security-Token",
    "AWSAccessKeyId",   "Signature",        "sig",
    "X-Goog-Signature",
};

// Names under which secrets travel in queries. Any case.
constexpr std::string_view kSecret[] = {
    "access_token",
    "accesstoken",
    "api-key",
    "api_key",
    "apikey",
    "assertion",
    "auth",
    "auth_token",
    "authorization",
    "bearer",
    "client_secret",
    "code_verifier",
    "credential",
    "credentials",
    "id_token",
    "jwt",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "session_id",
    "session_token",
    "sessionid",
    "signature",
    "token",
    "x-api-key",
    "x-goog-credential",
    "x-goog-security-token",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decodes up to the buffer's size; a key longer than that is none of ours.
std::string_view Decode(std::string_view key, char* buffer, std::size_t capacity) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (size == capacity) return {};
    char c = key[i];
    if (c == '%' && i + 2 < key.size() && HexDigit(key[i + 1]) >= 0 && HexDigit(key[i + 2]) >= 0) {
      c = static_cast<char>(HexDigit(key[i + 1]) << 4 | HexDigit(key[i + 2]));
      i += 2;
    }
    buffer[size++] = c;
  }
  return {buffer, size};
}

}  // namespace

bool IsSecretQueryKey(std::string_view key) {
  char buffer[40];
  if (key.find('%') != std::string_view::npos) key = Decode(key, buffer, sizeof buffer);
  if (key.size() < 3 || key.size() > sizeof buffer) return false;
  for (std::string_view name : kSigned) {
    if (key == name) return true;
  }
  for (std::string_view name : kSecret) {
    if (EqualsIgnoreCase(key, name)) return true;
  }
  return false;
}

void AppendRedactedQuery(std::string& out, std::string_view query, QueryRedaction mode) {
  if (mode == QueryRedaction::kDrop) return;
  for (std::size_t at = 0; at <= query.size();) {
    // ';' separates too for some servers; taking it as a separator can only redact more.
    const std::size_t end = std::min(query.find_first_of("&;", at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      // In `values` mode a lone word is a value as likely as a key.
      out += mode == QueryRedaction::kValues && !pair.empty() ? kRedacted : pair;
    } else {
      const std::string_view key = pair.substr(0, equals);
      out += key;
      out += '=';
      const bool hide = mode == QueryRedaction::kValues || IsSecretQueryKey(key);
      out += hide ? kRedacted : pair.substr(equals + 1);
    }
    if (end < query.size()) out += query[end];
    at = end + 1;
  }
}

std::string LimitedClientAddress(std::string_view address, ClientAddress mode) {
  if (mode == ClientAddress::kOff) return {};
  if (mode == ClientAddress::kFull) return std::string(address);
  char text[INET6_ADDRSTRLEN + 1];
  if (address.size() >= sizeof text) return {};
  address.copy(text, address.size());
  text[address.size()] = '\0';
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text, bytes) == 1) {
    bytes[3] = 0;
    return inet_ntop(AF_INET, bytes, text, sizeof text) != nullptr ? text : "";
  }
  if (inet_pton(AF_INET6, text, bytes) == 1) {
    constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(bytes, kMapped, sizeof kMapped) == 0) {
      bytes[15] = 0;
    } else {
      std::memset(bytes + 6, 0, 10);
    }
    return inet_ntop(AF_INET6, bytes, text, sizeof text) != nullptr ? text : "";
  }
  return {};
}

}  // namespace wirespan::span
