#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

// How to reach the API server.
namespace wirespan::kube {

struct Access {
  std::string server{};      // "https://10.96.0.1:443"
  std::string token_file{};  // empty: no token. Read for every request: kubelets renew it
  std::string ca_file{};     // empty: the system's trust
  bool insecure_skip_verify = false;
  std::string server_name{};  // in the server's certificate; empty: that of `server`
  // The client's certificate and its key; empty: none.
  std::string certificate_file{};
  std::string key_file{};
  // Keeps files that are in memory alone.
  std::vector<std::shared_ptr<const UniqueFd>> held{};
};

// A file in memory, to be read by its path as long as it is held: for what is written inside of
// another file, and never goes to a disk.
struct HeldFile {
  std::string path{};
  std::shared_ptr<const UniqueFd> held{};
};
Result<HeldFile> HoldFile(const std::string& name, std::string_view content);

using Variables = std::function<const char*(const char* name)>;

// From inside a pod: KUBERNETES_SERVICE_HOST and _PORT, and the service account's files below
// `root`. nullopt: this is no pod.
std::optional<Access> InClusterAccess(const Variables& variables, const std::string& root = {});

// The token in a file, without the line's end. kInvalidArgument: nothing in it, more than 64 KiB,
// or bytes that no header can carry.
Result<std::string> ReadToken(const std::string& path);

// A small file as it stands, to notice that it changed. Errors name the file.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t max_bytes);

// "spec.nodeName=n1" -> "spec.nodeName%3Dn1", for a query.
std::string EscapeQuery(std::string_view text);

}  // namespace wirespan::kube
