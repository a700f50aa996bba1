#include "agent/process/socket_index.h"

#include <arpa/inet.h>

#include <utility>

namespace wirespan::process {

std::string AddressText(const std::array<std::uint8_t, 16>& address, bool ipv6) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* out = ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, address.data(), text.data(),
                                static_cast<socklen_t>(text.size()));
  return out == nullptr ? std::string() : std::string(out);
}

bool SocketIndex::Read(const ProcessFolder& folder) {
  bool any = false;
  for (const bool ipv6 : {false, true}) {
    any |= ReadTable(folder, ipv6 ? "tcp6" : "tcp", [&](std::string_view line) {
      const auto socket = ParseInetLine(line, ipv6);
      if (!socket || socket->inode == 0) return;
      ListenAddress address{};
      if (socket->listening)
        address = {AddressText(socket->local_address, ipv6), socket->local_port};
      Add(socket->inode,
          {.tcp = true, .listening = socket->listening, .connected = !socket->listening},
          std::move(address));
    });
  }
  any |= ReadTable(folder, "unix", [&](std::string_view line) {
    auto socket = ParseUnixLine(line);
    if (!socket || socket->inode == 0) return;
    Add(socket->inode, {.listening = socket->listening, .connected = socket->connected},
        {std::move(socket->path), 0});
  });
  return any;
}

const StreamSocket* SocketIndex::Find(std::uint64_t inode) const {
  const auto found = sockets_.find(inode);
  return found == sockets_.end() ? nullptr : &found->second;
}

template <class Line>
bool SocketIndex::ReadTable(const ProcessFolder& folder, const char* table, Line&& line) {
  const auto whole = folder.NetTable(table, limits_.max_table_bytes, line);
  if (whole && !*whole) cut_ = true;
  return whole.has_value();
}

void SocketIndex::Add(std::uint64_t inode, StreamSocket socket, ListenAddress address) {
  if (sockets_.size() >= limits_.max_sockets) {
    cut_ = true;
    return;
  }
  if (socket.listening) {
    socket.address = static_cast<std::uint32_t>(addresses_.size());
    addresses_.push_back(std::move(address));
  }
  sockets_.try_emplace(inode, socket);
}

}  // namespace wirespan::process
