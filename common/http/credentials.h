#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

// Passwords and tokens. OpenSSL and crypt(3) stay inside credentials.cc.
namespace wirespan::http {

// Equal, in a time that tells nothing about where they differ (their lengths it does tell).
bool EqualSecrets(std::string_view a, std::string_view b);

// Whether a password belongs to what an htpasswd file holds: bcrypt ($2y$), SHA-256 and SHA-512
// crypt ($5$, $6$), MD5 ($1$, $apr1$), {SHA}, {SSHA}; anything else is the password itself. Slow by
// design for the first ones (tens of milliseconds): remember who was let in.
bool PasswordMatches(const std::string& stored, const std::string& password);

std::optional<std::string> DecodeBase64(std::string_view text);  // with or without padding

// "Basic dXNlcjpwYXNz", for a header.
std::string BasicCredentials(std::string_view user, std::string_view password);

// SHA-256 of the parts, each with its length: to remember a secret without keeping it.
std::string Sha256(std::initializer_list<std::string_view> parts);

}  // namespace wirespan::http
