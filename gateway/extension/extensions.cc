#include "gateway/extension/extensions.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "gateway/extension/authenticators.h"

namespace wirespan::gateway {

namespace {

// The folder with its parents, if it may be made; then it must be one that can be written to.
Result<> Prepare(const FileStorageOptions& options) {
  const std::string& path = options.storage.path;
  if (options.create_directory) {
    for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
      const std::string part = path.substr(0, at);
      if (::mkdir(part.c_str(), options.storage.directory_mode) != 0 && errno != EEXIST) {
        return FailErrno("make " + part, errno);
      }
      if (at == std::string::npos) break;
    }
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return FailErrno("directory " + path, errno);
  if (!S_ISDIR(info.st_mode)) return FailErrno("directory " + path, ENOTDIR);
  if (::access(path.c_str(), W_OK | X_OK) != 0) return FailErrno("directory " + path, errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<Extensions>> Extensions::Create(
    const std::map<std::string, ExtensionOptions>& options, const Clock& clock) {
  auto made = std::make_unique<Extensions>();
  const auto keep = [](auto& target, const std::string& id, auto created) -> Result<> {
    if (!created) return Wrap(id, std::move(created.error()));
    target[id] = std::move(*created);
    return {};
  };
  // headers_setter may use another one, which may be a headers_setter too: those that wait for
  // nothing first. A ring of them would wait for ever.
  std::map<std::string, const HeadersSetterOptions*> waiting;
  for (const auto& [id, any] : options) {
    Result<> ok;
    if (const auto* basic = std::get_if<BasicAuthOptions>(&any)) {
      ok = basic->for_servers() ? keep(made->servers_, id, CreateBasicServer(*basic, clock))
                                : keep(made->clients_, id, CreateBasicClient(*basic, clock));
    } else if (const auto* bearer = std::get_if<BearerTokenOptions>(&any)) {
      ok = keep(made->servers_, id, CreateBearerServer(*bearer, clock));
      if (ok) ok = keep(made->clients_, id, CreateBearerClient(*bearer, clock));
    } else if (const auto* storage = std::get_if<FileStorageOptions>(&any)) {
      ok = Prepare(*storage);
      if (!ok) ok = Wrap(id, std::move(ok.error()));
      made->storages_[id] = storage->storage;
    } else if (const auto* setter = std::get_if<HeadersSetterOptions>(&any)) {
      waiting[id] = setter;
    }
    if (!ok) return tl::unexpected(ok.error());
  }
  while (!waiting.empty()) {
    const std::size_t before = waiting.size();
    for (auto next = waiting.begin(); next != waiting.end();) {
      const auto& [id, setter] = *next;
      const std::string& additional = setter->additional_auth;
      if (!additional.empty() && waiting.contains(additional)) {
        ++next;
        continue;
      }
      auto ok = keep(made->clients_, id,
                     CreateHeadersSetter(*setter, made->client_auth(additional), clock));
      if (!ok) return tl::unexpected(ok.error());
      next = waiting.erase(next);
    }
    if (waiting.size() == before) {
      return Fail(ErrorCode::kInvalidArgument,
                  waiting.begin()->first + ": additional_auth leads back to itself");
    }
  }
  return made;
}

std::shared_ptr<const ServerAuthenticator> Extensions::server_auth(const std::string& id) const {
  const auto found = servers_.find(id);
  return found == servers_.end() ? nullptr : found->second;
}

std::shared_ptr<const ClientAuthenticator> Extensions::client_auth(const std::string& id) const {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : found->second;
}

const StorageDirectory* Extensions::storage(const std::string& id) const {
  const auto found = storages_.find(id);
  return found == storages_.end() ? nullptr : &found->second;
}

}  // namespace wirespan::gateway
