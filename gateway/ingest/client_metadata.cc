#include "gateway/ingest/client_metadata.h"

#include <fmt/format.h>

#include <utility>

namespace wirespan::gateway {

Outcome ClientMetadata::Take(const EachValue& headers, const AuthAttributes& attributes,
                             std::shared_ptr<const Metadata>& metadata) const {
  if (keys_.empty()) return {};
  std::vector<Metadata::Entry> entries;
  std::size_t bytes = 0;
  const auto keep = [&](const std::string& key, std::string_view value) {
    if (bytes += key.size() + value.size(); bytes > kMaxBytes) return;
    entries.push_back({.key = key, .values = {std::string(value)}});
  };
  for (const std::string& key : keys_) {
    if (!key.starts_with(kAuthPrefix)) {
      headers(key, [&](std::string_view value) { keep(key, value); });
      continue;
    }
    for (const auto& [name, value] : attributes) {
      if (key.compare(kAuthPrefix.size(), std::string::npos, name) == 0) keep(key, value);
    }
  }
  if (bytes > kMaxBytes) {
    return Outcome::Reject(
        StatusCode::kInvalidArgument,
        fmt::format("the headers that are kept of a request are larger than {} bytes", kMaxBytes));
  }
  if (!entries.empty()) metadata = std::make_shared<const Metadata>(std::move(entries));
  return {};
}

}  // namespace wirespan::gateway
