#include <fmt/format.h>

#include <charconv>

#include "common/base/strings.h"
#include "gateway/app/components.h"
#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

std::string ReadUse(const Node& node, ExtensionRole role, std::vector<ExtensionUse>& uses) {
  std::string id = node.String();
  if (!id.empty()) uses.push_back({.role = role, .id = id, .mark = node.mark()});
  return id;
}

ExtensionOptions ReadHealth(const Node& node, HealthOptions health) {
  health.listen.configured = true;
  ReadHostPort(node["endpoint"], health.listen.host, health.listen.port);
  health.listen.path = node["path"].String(health.listen.path);
  if (!health.listen.path.starts_with('/')) health.listen.path.insert(0, "/");
  const Node body = node["response_body"];
  if (!body["healthy"].null()) health.healthy_body = body["healthy"].String();
  if (!body["unhealthy"].null()) health.unhealthy_body = body["unhealthy"].String();
  body.RefuseOthers();
  const Node components = node["component_health"];
  health.include_permanent_errors =
      components["include_permanent_errors"].Bool(health.include_permanent_errors);
  health.include_recoverable_errors =
      components["include_recoverable_errors"].Bool(health.include_recoverable_errors);
  health.recovery = ReadDuration(components["recovery_duration"], health.recovery);
  components.RefuseOthers();
  return health;
}

ExtensionOptions ReadStatusPage(const Node& node, ListenConfig listen) {
  listen.configured = true;
  ReadHostPort(node["endpoint"], listen.host, listen.port);
  return StatusPageOptions{.listen = std::move(listen)};
}

ExtensionOptions ReadPprof(const Node& node) {
  for (const char* key :
       {"endpoint", "block_profile_fraction", "mutex_profile_fraction", "save_to_file", "dialer"}) {
    node.Allow(key);
  }
  return NothingOptions{};
}

ExtensionOptions ReadBasicAuth(const Node& parent, const std::string& id, const Node& node) {
  BasicAuthOptions basic;
  const Node htpasswd = node["htpasswd"];
  basic.htpasswd_file = htpasswd["file"].String();
  basic.htpasswd_inline = htpasswd["inline"].Secret();
  htpasswd.RefuseOthers();
  const Node client = node["client_auth"];
  basic.username = client["username"].String();
  basic.password = client["password"].Secret();
  basic.username_file = client["username_file"].String();
  basic.password_file = client["password_file"].String();
  client.RefuseOthers();
  if (basic.for_servers() && basic.for_clients()) {
    parent.FailAtKey(id, id + " can have htpasswd (for receivers) or client_auth (for exporters), "
                              "not both: define two extensions");
  } else if (!basic.for_servers() && !basic.for_clients()) {
    parent.FailAtKey(id, id + " needs htpasswd (for receivers) or client_auth (for exporters)");
  }
  return basic;
}

ExtensionOptions ReadBearerToken(const Node& parent, const std::string& id, const Node& node) {
  BearerTokenOptions bearer;
  bearer.header = AsciiLower(node["header"].String(bearer.header));
  bearer.scheme = node["scheme"].String(bearer.scheme);
  if (const SecretString token = node["token"].Secret(); !token.empty()) {
    bearer.tokens.push_back(token);
  }
  for (std::string& token : node["tokens"].Strings()) {
    if (!token.empty()) bearer.tokens.emplace_back(std::move(token));
  }
  bearer.filename = node["filename"].String();
  if (bearer.tokens.empty() && bearer.filename.empty()) {
    parent.FailAtKey(id, id + " needs token, tokens or filename, and none of them empty");
  } else if (!node["token"].null() && !node["tokens"].null()) {
    node["tokens"].Fail("token and tokens exclude each other");
  }
  return bearer;
}

using Header = HeadersSetterOptions::Header;
using Action = HeadersSetterOptions::Action;

Header ReadHeader(const Node& node) {
  Header header;
  header.key = AsciiLower(node["key"].String());
  header.action = node["action"].Choice<Action>(Action::kUpsert, {{"insert", Action::kInsert},
                                                                  {"update", Action::kUpdate},
                                                                  {"upsert", Action::kUpsert},
                                                                  {"delete", Action::kDelete}});
  if (!node["value"].null()) header.value = node["value"].Secret();
  header.value_file = node["value_file"].String();
  header.from_context = AsciiLower(node["from_context"].String());
  if (const std::string attribute = node["from_attribute"].String(); !attribute.empty()) {
    CheckAuthAttribute(node["from_attribute"], attribute);
    header.from_context = MetadataKeyOf("auth." + attribute);
    if (!node["from_context"].null()) {
      node["from_attribute"].Fail("from_context and from_attribute exclude each other");
    }
  }
  if (!node["default_value"].null()) header.default_value = node["default_value"].Secret();
  node.RefuseOthers();
  const int sources = (header.value ? 1 : 0) + (header.value_file.empty() ? 0 : 1) +
                      (header.from_context.empty() ? 0 : 1);
  if (header.key.empty()) {
    node.Fail("a header needs a key");
  } else if (header.action != Action::kDelete && sources != 1) {
    node.Fail(fmt::format(
        "header {} needs one of value, value_file, from_context and from_attribute", header.key));
  }
  return header;
}

ExtensionOptions ReadHeadersSetter(const Node& parent, const std::string& id, const Node& node,
                                   std::vector<ExtensionUse>& uses) {
  HeadersSetterOptions setter;
  for (const Node& item : node["headers"].Items()) setter.headers.push_back(ReadHeader(item));
  if (setter.headers.empty()) parent.FailAtKey(id, id + " needs headers");
  setter.additional_auth = ReadUse(node["additional_auth"], ExtensionRole::kClientAuth, uses);
  return setter;
}

ExtensionOptions ReadFileStorage(const std::string& id, const Node& node) {
  FileStorageOptions storage;
  storage.storage.id = id;
  storage.storage.path = node["directory"].String(storage.storage.path);
  storage.storage.fsync = node["fsync"].Bool(storage.storage.fsync);
  storage.create_directory = node["create_directory"].Bool(storage.create_directory);
  const std::string mode = node["directory_permissions"].String("0750");
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
  if (error != std::errc() || end != mode.data() + mode.size() || bits > 0777) {
    node["directory_permissions"].Fail("expected permissions in octal such as 0750, not \"" +
                                       ToUtf8(TruncateUtf8(mode, 20)) + "\"");
  } else {
    storage.storage.directory_mode = bits;
  }
  // Of the Collector's one file, which we have not: nobody waits for its lock, drained space is
  // given back as it comes, and a damaged record costs that record.
  static_cast<void>(node["timeout"].Duration({}));
  node["recreate"].Bool(false);
  const Node compaction = node["compaction"];
  for (const char* key : {"on_start", "on_rebound", "cleanup_on_start"}) {
    compaction[key].Bool(false);
  }
  for (const char* key :
       {"rebound_needed_threshold_mib", "rebound_trigger_threshold_mib", "max_transaction_size"}) {
    compaction[key].Int(0, 0);
  }
  compaction["directory"].String();
  static_cast<void>(compaction["check_interval"].Duration({}));
  compaction.RefuseOthers();
  return storage;
}

}  // namespace

void CheckAuthAttribute(const Node& node, std::string_view attribute) {
  if (attribute == "username") return;
  node.Fail(fmt::format("authenticators know the attribute username (of basicauth) alone, not {}",
                        attribute));
}

std::string ReadContextKey(const Node& node) {
  const std::string key = AsciiLower(node.String());
  if (key.starts_with("auth.")) CheckAuthAttribute(node, key.substr(5));
  if (key.starts_with("client.")) {
    node.Fail(fmt::format("{} is not known here; a header by its name or auth.username is", key));
  }
  return MetadataKeyOf(key);
}

ExtensionOptions LoadExtension(const Node& parent, const std::string& id, const Node& node,
                               const std::string& listen_host, std::vector<ExtensionUse>& uses) {
  const std::string_view type = TypeOf(id);
  ExtensionOptions options = NothingOptions{};
  if (type == "health_check") {
    HealthOptions health;
    health.listen.host = listen_host;
    options = ReadHealth(node, std::move(health));
  } else if (type == "zpages") {
    ListenConfig listen = StatusPageOptions{}.listen;
    listen.host = listen_host;
    options = ReadStatusPage(node, std::move(listen));
  } else if (type == "pprof") {
    options = ReadPprof(node);
  } else if (type == "basicauth" || type == "basic_auth") {
    options = ReadBasicAuth(parent, id, node);
  } else if (type == "bearertokenauth" || type == "bearer_token_auth") {
    options = ReadBearerToken(parent, id, node);
  } else if (type == "headers_setter") {
    options = ReadHeadersSetter(parent, id, node, uses);
  } else if (type == "file_storage") {
    options = ReadFileStorage(id, node);
  }
  node.RefuseOthers();
  return options;
}

bool CanBe(const ExtensionOptions& options, ExtensionRole role) {
  switch (role) {
    case ExtensionRole::kStorage:
      return std::holds_alternative<FileStorageOptions>(options);
    case ExtensionRole::kServerAuth:
      if (const auto* basic = std::get_if<BasicAuthOptions>(&options)) return basic->for_servers();
      return std::holds_alternative<BearerTokenOptions>(options);
    case ExtensionRole::kClientAuth:
      if (const auto* basic = std::get_if<BasicAuthOptions>(&options)) return basic->for_clients();
      return std::holds_alternative<BearerTokenOptions>(options) ||
             std::holds_alternative<HeadersSetterOptions>(options);
  }
  return false;
}

std::string ReadAuthenticator(const Node& auth, ExtensionRole role,
                              std::vector<ExtensionUse>& uses) {
  std::string id = ReadUse(auth["authenticator"], role, uses);
  auth.RefuseOthers();
  if (id.empty() && !auth.null()) auth.Fail("auth needs authenticator, the id of an extension");
  return id;
}

std::string ReadStorage(const Node& storage, std::vector<ExtensionUse>& uses) {
  return ReadUse(storage, ExtensionRole::kStorage, uses);
}

}  // namespace wirespan::gateway
