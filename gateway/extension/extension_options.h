#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/config/secret.h"
#include "gateway/pipeline/storage.h"

// The settings of extensions, with the Collector's keys and defaults.
namespace wirespan::gateway {

using config::SecretString;

struct ListenConfig {
  std::string host = "localhost";
  std::uint16_t port = 0;
  std::string path{};
  bool configured = false;  // named in the file: then it must be had
};

// health_check
struct HealthOptions {
  ListenConfig listen{.port = 13133, .path = "/"};
  std::optional<std::string> healthy_body{};  // response_body; without it the Collector's JSON
  std::optional<std::string> unhealthy_body{};
  // component_health: which components' trouble makes the page say 503, once it has lasted for
  // `recovery`. A pipeline that can't do its work (kRefusing) always does.
  bool include_permanent_errors = true;
  bool include_recoverable_errors = false;
  std::chrono::milliseconds recovery{10000};
};

// zpages: the status page on a port of its own.
struct StatusPageOptions {
  ListenConfig listen{.port = 55679, .path = "/debug"};
};

// pprof: accepted, nothing to serve.
struct NothingOptions {};

// basicauth: the passwords of servers' clients (htpasswd) or what a client shows (client_auth).
struct BasicAuthOptions {
  std::string htpasswd_file{};
  SecretString htpasswd_inline{};
  std::string username{};
  SecretString password{};
  std::string username_file{};
  std::string password_file{};

  bool for_servers() const { return !htpasswd_file.empty() || !htpasswd_inline.empty(); }
  bool for_clients() const { return !username.empty() || !username_file.empty(); }
};

// bearertokenauth
struct BearerTokenOptions {
  std::string header = "authorization";  // in lower case
  std::string scheme = "Bearer";
  std::vector<SecretString> tokens{};  // a client shows the first
  std::string filename{};              // instead of them; one token a line
};

// headers_setter
struct HeadersSetterOptions {
  enum class Action : std::uint8_t { kInsert, kUpdate, kUpsert, kDelete };
  struct Header {
    Action action = Action::kUpsert;
    std::string key{};  // in lower case
    std::optional<SecretString> value{};
    std::string value_file{};
    std::string from_context{};  // a key of the request's metadata (MetadataKeyOf)
    std::optional<SecretString> default_value{};
  };
  std::vector<Header> headers{};
  std::string additional_auth{};  // the id of another client authenticator, applied first
};

// file_storage
struct FileStorageOptions {
  StorageDirectory storage{.path = "/var/lib/otelcol/file_storage"};
  bool create_directory = true;
};

using ExtensionOptions =
    std::variant<HealthOptions, StatusPageOptions, NothingOptions, BasicAuthOptions,
                 BearerTokenOptions, HeadersSetterOptions, FileStorageOptions>;

}  // namespace wirespan::gateway
