#include "gateway/ingest/listen_sockets.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "gateway/ingest/endpoint.h"

namespace wirespan::gateway {

namespace {
constexpr unsigned kUnixMode = 0660;
}

Result<std::shared_ptr<const http::Listening>> ListenSockets::Set::Get(const std::string& user,
                                                                       const std::string& endpoint,
                                                                       bool unix_socket) {
  const std::string what = (unix_socket ? "unix:" : "") + endpoint;
  const std::string key = !unix_socket && endpoint.ends_with(":0") ? what + " of " + user : what;
  if (sockets_.contains(key)) return FailErrno("listen on " + what, EADDRINUSE);
  auto socket = all_->Open(key, endpoint, unix_socket);
  if (socket) sockets_[key] = *socket;
  return socket;
}

Result<http::Listening> ListenSockets::OpenTcp(const std::string& endpoint) {
  auto address = ParseHostPort(endpoint);
  if (!address) return tl::unexpected(address.error());
  const std::string host = address->host.empty() ? "::" : address->host;
  auto opened = http::ListenTcp(host, address->port);
  if (opened) return opened;
  // The old configuration may have the port under another name (localhost, 0.0.0.0): then both
  // listen for a moment. Never with anybody else's.
  bool ours = false;
  for (const auto& [key, weak] : open_) {
    const auto socket = weak.lock();
    if (socket == nullptr || socket->port != address->port || address->port == 0) continue;
    http::SharePort(*socket);
    ours = true;
  }
  if (!ours) return opened;
  return http::ListenTcp(host, address->port, true);
}

Result<std::shared_ptr<const http::Listening>> ListenSockets::Open(const std::string& key,
                                                                   const std::string& endpoint,
                                                                   bool unix_socket) {
  std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = open_.find(key); found != open_.end()) {
    if (auto socket = found->second.lock()) return socket;
  }
  auto opened = unix_socket ? http::ListenUnix(endpoint, kUnixMode) : OpenTcp(endpoint);
  if (!opened) return tl::unexpected(opened.error());
  auto* owned = new http::Listening(std::move(*opened));
  std::shared_ptr<const http::Listening> socket(
      owned, [path = unix_socket ? endpoint : std::string()](const http::Listening* listening) {
        if (!path.empty()) ::unlink(path.c_str());
        delete listening;
      });
  open_[key] = socket;
  return socket;
}

}  // namespace wirespan::gateway
