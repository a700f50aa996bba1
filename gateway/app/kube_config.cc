#include "gateway/app/kube_config.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "common/config/yaml.h"
#include "common/http/credentials.h"

namespace wirespan::gateway {

namespace {

using config::Value;

struct File {
  std::string path{};
  Value root{};
};

// A named entry, and the file that it stands in.
struct Found {
  const Value* settings = nullptr;
  const std::string* path = nullptr;
};

std::string Text(const Value* map, std::string_view key) {
  const Value* value = map == nullptr ? nullptr : map->Find(key);
  return value != nullptr && value->kind == Value::Kind::kScalar ? value->text : std::string();
}

std::vector<std::string> Paths(const kube::Variables& variables) {
  std::vector<std::string> paths;
  const char* listed = variables("KUBECONFIG");
  std::string_view rest = listed == nullptr ? "" : listed;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (const auto path = rest.substr(0, colon); !path.empty()) paths.emplace_back(path);
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  const char* home = variables("HOME");
  if (paths.empty() && home != nullptr) paths.push_back(std::string(home) + "/.kube/config");
  return paths;
}

// An entry of `clusters`, `users` or `contexts`, which are lists of {name, <kind>}.
Found Entry(const std::vector<File>& files, std::string_view list, std::string_view kind,
            std::string_view name) {
  for (const File& file : files) {
    const Value* all = file.root.Find(list);
    if (all == nullptr || all->kind != Value::Kind::kList) continue;
    for (const Value& one : all->list) {
      if (one.kind != Value::Kind::kMap || Text(&one, "name") != name) continue;
      const Value* settings = one.Find(kind);
      if (settings != nullptr && settings->kind == Value::Kind::kMap) {
        return {.settings = settings, .path = &file.path};
      }
    }
  }
  return {};
}

// `key` names a file, relative to the configuration's folder; `key`-data has its content.
Result<std::string> FileOf(const Found& from, const std::string& key, kube::Access& access) {
  if (const std::string data = Text(from.settings, key + "-data"); !data.empty()) {
    const auto content = http::DecodeBase64(data);
    if (!content) {
      return Fail(ErrorCode::kInvalidArgument, key + "-data is no base64");
    }
    auto file = kube::HoldFile(key, *content);
    if (!file) return Wrap(key, std::move(file.error()));
    access.held.push_back(std::move(file->held));
    return std::move(file->path);
  }
  const std::string name = Text(from.settings, key);
  if (name.empty()) return std::string();
  return (std::filesystem::path(*from.path).parent_path() / name).string();
}

Result<> ReadCluster(const Found& cluster, kube::Access& access) {
  access.server = Text(cluster.settings, "server");
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.starts_with("https://") && !access.server.starts_with("http://")) {
    return Fail(ErrorCode::kInvalidArgument, "the cluster has no server");
  }
  if (!Text(cluster.settings, "proxy-url").empty()) {
    return Fail(ErrorCode::kInvalidArgument, "proxy-url is not supported");
  }
  access.server_name = Text(cluster.settings, "tls-server-name");
  access.insecure_skip_verify = Text(cluster.settings, "insecure-skip-tls-verify") == "true";
  auto trust = FileOf(cluster, "certificate-authority", access);
  if (!trust) return Wrap("the cluster", std::move(trust.error()));
  access.ca_file = std::move(*trust);
  return {};
}

Result<> ReadUser(const Found& user, kube::Access& access) {
  for (const char* key : {"exec", "auth-provider", "username", "as"}) {
    if (user.settings->Find(key) != nullptr) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("the user's {} is not supported: token, tokenFile and "
                              "client-certificate are",
                              key));
    }
  }
  auto certificate = FileOf(user, "client-certificate", access);
  if (!certificate) return Wrap("the user", std::move(certificate.error()));
  auto key = FileOf(user, "client-key", access);
  if (!key) return Wrap("the user", std::move(key.error()));
  access.certificate_file = std::move(*certificate);
  access.key_file = std::move(*key);
  if (const std::string file = Text(user.settings, "tokenFile"); !file.empty()) {
    access.token_file = (std::filesystem::path(*user.path).parent_path() / file).string();
  } else if (const std::string token = Text(user.settings, "token"); !token.empty()) {
    auto held = kube::HoldFile("token", token);
    if (!held) return Wrap("the user", std::move(held.error()));
    access.held.push_back(std::move(held->held));
    access.token_file = std::move(held->path);
  }
  return {};
}

}  // namespace

Result<kube::Access> KubeConfigAccess(const kube::Variables& variables,
                                      const std::string& context) {
  const std::vector<std::string> paths = Paths(variables);
  std::vector<File> files;
  for (const std::string& path : paths) {
    auto text = kube::ReadSmallFile(path, config::kMaxYamlBytes);
    if (!text && !std::filesystem::exists(path)) continue;
    if (!text) return Wrap("kubeconfig", std::move(text.error()));
    std::vector<config::Problem> problems;
    files.push_back({.path = path, .root = config::ParseYaml(*text, path, problems)});
    if (!problems.empty()) return Fail(ErrorCode::kInvalidArgument, problems.front().text());
  }
  if (files.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                paths.empty() ? "there is no kubeconfig: neither KUBECONFIG nor HOME is set"
                              : "there is no kubeconfig at " + paths.front());
  }
  std::string name = context;
  for (const File& file : files) {
    if (name.empty()) name = Text(&file.root, "current-context");
  }
  const std::string& first = files.front().path;
  const Found chosen = Entry(files, "contexts", "context", name);
  if (chosen.settings == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                name.empty() ? first + " has no current-context"
                             : fmt::format("{} has no context \"{}\"", first, name));
  }
  const std::string cluster_name = Text(chosen.settings, "cluster");
  const Found cluster = Entry(files, "clusters", "cluster", cluster_name);
  if (cluster.settings == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has no cluster \"{}\"", first, cluster_name));
  }
  kube::Access access;
  if (auto read = ReadCluster(cluster, access); !read) {
    return Wrap(*cluster.path, std::move(read.error()));
  }
  const std::string user_name = Text(chosen.settings, "user");
  const Found user = Entry(files, "users", "user", user_name);
  if (user.settings == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has no user \"{}\"", first, user_name));
  }
  if (auto read = ReadUser(user, access); !read) {
    return Wrap(*user.path, std::move(read.error()));
  }
  return access;
}

}  // namespace wirespan::gateway
