#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <utility>

namespace wirespan::config {

// A text that must not reach a log: it prints as "[REDACTED]". reveal() is where it is used.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const SecretString&, const SecretString&) = default;
  friend std::ostream& operator<<(std::ostream& out, const SecretString& secret) {
    return out << (secret.empty() ? "" : "[REDACTED]");
  }

 private:
  std::string value_;
};

}  // namespace wirespan::config

template <>
struct fmt::formatter<wirespan::config::SecretString> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const wirespan::config::SecretString& secret, Context& context) const {
    return fmt::formatter<fmt::string_view>::format(secret.empty() ? "" : "[REDACTED]", context);
  }
};
