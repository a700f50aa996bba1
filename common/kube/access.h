#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/result.h"

// How to reach the API server.
namespace wirespan::kube {

struct Access {
  std::string server{};      // "https://10.96.0.1:443"
  std::string token_file{};  // empty: no token. Read for every request: kubelets renew it
  std::string ca_file{};     // empty: the system's trust
  bool insecure_skip_verify = false;
};

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
