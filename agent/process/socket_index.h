#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/process/coverage.h"
#include "agent/process/net_table.h"
#include "agent/process/procfs.h"
#include "common/base/flat_map.h"

namespace wirespan::process {

// A stream socket that somebody holds. Neither listening nor connected: one that was made, no more.
struct StreamSocket {
  bool tcp = false;
  bool listening = false;
  bool connected = false;
  std::uint32_t address = 0;  // index of a listening one's
};

std::string AddressText(const std::array<std::uint8_t, 16>& address, bool ipv6);

// The stream sockets of all namespaces that were read, by inode number: those of sockets are unique
// on a machine.
class SocketIndex {
 public:
  struct Limits {
    std::size_t max_sockets = 0;
    std::size_t max_table_bytes = 0;
  };
  explicit SocketIndex(const Limits& limits) : limits_(limits) {}

  // Adds those of this process's namespace. False: they could not be read here; another process of
  // the namespace may let them.
  bool Read(const ProcessFolder& folder);

  const StreamSocket* Find(std::uint64_t inode) const;
  const ListenAddress& address(const StreamSocket& socket) const {
    return addresses_[socket.address];
  }
  bool cut() const { return cut_; }

 private:
  template <class Line>
  bool ReadTable(const ProcessFolder& folder, const char* table, Line&& line);
  void Add(std::uint64_t inode, StreamSocket socket, ListenAddress address);

  const Limits limits_;
  FlatMap<std::uint64_t, StreamSocket> sockets_{};
  std::vector<ListenAddress> addresses_{};
  bool cut_ = false;
};

}  // namespace wirespan::process
