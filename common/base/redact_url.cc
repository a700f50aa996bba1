#include "common/base/redact_url.h"

#include <algorithm>

namespace wirespan {

std::string RedactUrl(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::string(text);
  const std::size_t begin = scheme + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  // The last one: a password that was not encoded may hold others (RFC 3986 3.2.1 forbids it).
  const std::size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(text);
  return std::string(text.substr(0, begin)) + "[REDACTED]" + std::string(text.substr(at));
}

}  // namespace wirespan
