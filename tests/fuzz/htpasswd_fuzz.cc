// Any htpasswd text, and any Authorization header against it: whoever is let in stands in the text
// with the password that was shown. Hashed passwords are left out: they are slow by design.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/http/credentials.h"
#include "gateway/extension/authenticators.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan;
  using namespace wirespan::gateway;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = input.find('\0');
  const std::string passwords = input.substr(0, zero);
  const std::string shown = zero == std::string::npos ? passwords : input.substr(zero + 1);
  if (passwords.find('$') != std::string::npos) return 0;
  BasicAuthOptions options;
  options.htpasswd_inline = SecretString(passwords);
  auto server = CreateBasicServer(options);
  if (!server) std::abort();

  const std::string raw = shown;
  (*server)->Authenticate([&](std::string_view) { return std::optional<std::string_view>(raw); });

  const std::size_t colon = shown.find(':');
  if (colon == std::string::npos) return 0;
  const std::string header =
      http::BasicCredentials(shown.substr(0, colon), shown.substr(colon + 1));
  AuthAttributes who;
  const Outcome outcome = (*server)->Authenticate(
      [&](std::string_view) { return std::optional<std::string_view>(header); }, &who);
  if (!outcome.ok()) return 0;
  if (who.size() != 1 || who[0].second != shown.substr(0, colon)) std::abort();
  if (passwords.find(who[0].second) == std::string::npos) std::abort();
  return 0;
}
