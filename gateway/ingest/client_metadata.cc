#include "gateway/ingest/client_metadata.h"

#include <fmt/format.h>

#include <utility>

namespace wirespan::gateway {

ClientMetadata::ClientMetadata(std::vector<std::string> keys, bool headers)
    : keys_(std::move(keys)) {
  if (!headers) std::erase_if(keys_, [](const std::string& key) { return key != kPeerKey; });
}

std::string PeerAddress(std::string_view peer) {
  for (const std::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (peer.starts_with(scheme)) peer.remove_prefix(scheme.size());
  }
  if (peer.starts_with("unix")) return {};
  const std::size_t port = peer.rfind(':');
  if (port == std::string_view::npos) return {};
  peer = peer.substr(0, port);
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>("[", "]"),
                                    std::pair<std::string_view, std::string_view>("%5B", "%5D")}) {
    if (peer.size() > open.size() + close.size() && peer.starts_with(open) &&
        peer.ends_with(close)) {
      peer = peer.substr(open.size(), peer.size() - open.size() - close.size());
    }
  }
  // A socket for both families has IPv4 addresses in IPv6's words.
  constexpr std::string_view kMapped = "::ffff:";
  if (peer.starts_with(kMapped) && peer.find('.') != std::string_view::npos) {
    peer.remove_prefix(kMapped.size());
  }
  return std::string(peer);
}

Outcome ClientMetadata::Take(const EachValue& headers, const AuthAttributes& attributes,
                             std::string_view peer,
                             std::shared_ptr<const Metadata>& metadata) const {
  if (keys_.empty()) return {};
  std::vector<Metadata::Entry> entries;
  std::size_t bytes = 0;
  const auto keep = [&](const std::string& key, std::string_view value) {
    if (bytes += key.size() + value.size(); bytes > kMaxBytes) return;
    entries.push_back({.key = key, .values = {std::string(value)}});
  };
  for (const std::string& key : keys_) {
    if (key == kPeerKey) {
      if (const std::string address = PeerAddress(peer); !address.empty()) keep(key, address);
      continue;
    }
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
