#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

std::string ReadUse(const config::Node& node, ExtensionRole role, std::vector<ExtensionUse>& uses) {
  std::string id = node.String();
  if (!id.empty()) uses.push_back({.role = role, .id = id, .mark = node.mark()});
  return id;
}

}  // namespace

std::string ReadAuthenticator(const config::Node& auth, ExtensionRole role,
                              std::vector<ExtensionUse>& uses) {
  std::string id = ReadUse(auth["authenticator"], role, uses);
  auth.RefuseOthers();
  if (id.empty() && !auth.null()) auth.Fail("auth needs authenticator, the id of an extension");
  return id;
}

std::string ReadStorage(const config::Node& storage, std::vector<ExtensionUse>& uses) {
  return ReadUse(storage, ExtensionRole::kStorage, uses);
}

}  // namespace wirespan::gateway
