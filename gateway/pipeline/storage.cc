#include "gateway/pipeline/storage.h"

namespace wirespan::gateway {

std::string StorageDirectory::FolderOf(std::string_view component_id, Signal signal) const {
  std::string name = "exporter_";
  for (const char c : component_id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.';
    // "/" becomes "_", as in the Collector; anything else by its number, so that two ids never
    // share a folder by accident of the file system.
    if (plain) {
      name.push_back(c);
    } else if (c == '/') {
      name.push_back('_');
    } else {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      name.push_back('~');
      name.push_back(kHex[byte >> 4]);
      name.push_back(kHex[byte & 15]);
    }
  }
  name.push_back('_');
  name += otlp::SignalName(signal);
  return path + "/" + name;
}

}  // namespace wirespan::gateway
