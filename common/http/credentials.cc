#include "common/http/credentials.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "common/base/strings.h"

namespace wirespan::http {
namespace {

std::string Digest(const EVP_MD* kind, std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(),
                                                                          &::EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  ::EVP_DigestInit_ex(context.get(), kind, nullptr);
  for (const std::string_view part : parts) {
    ::EVP_DigestUpdate(context.get(), part.data(), part.size());
  }
  ::EVP_DigestFinal_ex(context.get(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

// Apache's MD5: the algorithm of $1$ (1000 rounds over password, salt and the last result) with
// another magic word.
std::string Apr1(const std::string& password, std::string_view salt) {
  const EVP_MD* md5 = ::EVP_md5();
  const std::string alternate = Digest(md5, {password, salt, password});
  std::string text = password + "$apr1$" + std::string(salt);
  for (std::size_t left = password.size(); left > 0; left -= std::min<std::size_t>(left, 16)) {
    text += alternate.substr(0, std::min<std::size_t>(left, 16));
  }
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1) {
    text.push_back((bits & 1) != 0 ? '\0' : password[0]);
  }
  std::string result = Digest(md5, {text});
  for (int round = 0; round < 1000; ++round) {
    const std::string_view first = (round & 1) != 0 ? std::string_view(password) : result;
    const std::string_view last = (round & 1) != 0 ? std::string_view(result) : password;
    result = Digest(md5, {first, round % 3 != 0 ? salt : std::string_view(),
                          round % 7 != 0 ? std::string_view(password) : std::string_view(), last});
  }
  static constexpr std::string_view kDigits =
      "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out = "$apr1$" + std::string(salt) + "$";
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(result[i]); };
  const auto put = [&](std::uint32_t value, int digits) {
    for (; digits > 0; --digits, value >>= 6) out.push_back(kDigits[value & 63]);
  };
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t third = i == 4 ? 5 : i + 12;
    put(std::uint32_t{byte(i)} << 16 | std::uint32_t{byte(i + 6)} << 8 | byte(third), 4);
  }
  put(byte(11), 2);
  return out;
}

std::string Crypt(const std::string& stored, const std::string& password) {
  const auto state = std::make_unique<crypt_data>();  // tens of KiB
  const char* result = ::crypt_r(password.c_str(), stored.c_str(), state.get());
  return result == nullptr || result[0] == '*' ? std::string() : std::string(result);
}

}  // namespace

bool EqualSecrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool PasswordMatches(const std::string& stored, const std::string& password) {
  if (stored.starts_with("$apr1$")) {
    const std::size_t end = stored.find('$', 6);
    if (end == std::string::npos || end - 6 > 8) return false;
    return EqualSecrets(Apr1(password, std::string_view(stored).substr(6, end - 6)), stored);
  }
  for (const char* scheme : {"$2y$", "$2a$", "$2b$", "$5$", "$6$", "$1$"}) {
    if (stored.starts_with(scheme)) return EqualSecrets(Crypt(stored, password), stored);
  }
  if (stored.starts_with("{SHA}")) {
    const auto digest = DecodeBase64(std::string_view(stored).substr(5));
    return digest && EqualSecrets(Digest(::EVP_sha1(), {password}), *digest);
  }
  if (stored.starts_with("{SSHA}")) {
    const auto digest = DecodeBase64(std::string_view(stored).substr(6));
    if (!digest || digest->size() < 20) return false;
    const std::string_view salt = std::string_view(*digest).substr(20);
    return EqualSecrets(Digest(::EVP_sha1(), {password, salt}), digest->substr(0, 20));
  }
  return EqualSecrets(stored, password);
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() > 1u << 20) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string padded(text);
  const std::size_t padding = (4 - padded.size() % 4) % 4;
  if (padding == 3) return std::nullopt;
  padded.append(padding, '=');
  std::string out(padded.size() / 4 * 3 + 1, '\0');
  const int size = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(padded.data()),
                                     static_cast<int>(padded.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size) - padding);  // OpenSSL decodes padding as zeros
  return out;
}

std::string BasicCredentials(std::string_view user, std::string_view password) {
  return "Basic " + Base64(std::string(user) + ":" + std::string(password));
}

std::string Sha256(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    text += std::to_string(part.size()) + ":";
    text += part;
  }
  return Digest(::EVP_sha256(), {text});
}

}  // namespace wirespan::http
