#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "gateway/extension/extension_options.h"
#include "gateway/pipeline/auth.h"
#include "gateway/pipeline/storage.h"

namespace wirespan::gateway {

// The extensions that components use, made from a configuration whose references were checked. What
// it hands out may outlive it.
class Extensions {
 public:
  // "basicauth/x: read /etc/htpasswd: No such file or directory".
  static Result<std::unique_ptr<Extensions>> Create(
      const std::map<std::string, ExtensionOptions>& options, const Clock& clock = SystemClock());

  // Null for the empty id, and for what is none.
  std::shared_ptr<const ServerAuthenticator> server_auth(const std::string& id) const;
  std::shared_ptr<const ClientAuthenticator> client_auth(const std::string& id) const;
  const StorageDirectory* storage(const std::string& id) const;

 private:
  std::map<std::string, std::shared_ptr<const ServerAuthenticator>> servers_{};
  std::map<std::string, std::shared_ptr<const ClientAuthenticator>> clients_{};
  std::map<std::string, StorageDirectory> storages_{};
};

}  // namespace wirespan::gateway
