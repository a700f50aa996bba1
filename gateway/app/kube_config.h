#pragma once

#include <string>

#include "common/base/result.h"
#include "common/kube/access.h"

namespace wirespan::gateway {

// How kubectl would reach the API server: by the files of KUBECONFIG (separated by colons; those
// that are not there are left out), or ~/.kube/config. Of entries with one name the first counts.
// `context`: empty, the current one. Programs that make credentials (exec), proxies and passwords
// are refused by name.
Result<kube::Access> KubeConfigAccess(const kube::Variables& variables, const std::string& context);

}  // namespace wirespan::gateway
