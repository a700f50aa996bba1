#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/process/held_file.h"

// Which processes hold stream sockets at this moment, for `explain` to compare with what was seen.
// A picture taken while everything moves: sockets come and go between two reads.
namespace wirespan::process {

struct ListenAddress {
  std::string address{};   // "127.0.0.1", "::", a Unix socket's path ('@' first: abstract)
  std::uint16_t port = 0;  // 0: a Unix socket
  friend auto operator<=>(const ListenAddress&, const ListenAddress&) = default;
};

struct ProcessSockets {
  std::uint32_t pid = 0;
  std::string comm{};
  std::string executable{};
  std::uint64_t network_namespace = 0;     // inode number
  std::vector<ListenAddress> listening{};  // at most 64, sorted
  std::uint32_t tcp_connections = 0;       // once each, however many descriptors share one
  std::uint32_t unix_connections = 0;
  std::uint32_t io_urings = 0;   // descriptors of rings: transfers by them bypass system calls
  bool thirty_two_bit = false;   // its executable is a 32-bit one
  bool descriptors_cut = false;  // it has more than were looked at
};

struct CoverageReport {
  std::vector<ProcessSockets> processes{};  // with at least one stream socket; by pid
  std::uint32_t processes_seen = 0;         // of those that the kernel tells of: with sockets
  std::uint32_t processes_denied = 0;       // their descriptors may not be read; by /proc
  std::vector<std::uint64_t> namespaces_unread{};  // nobody in them could be read; by /proc
  bool cut = false;  // a bound below was reached: the picture is not whole
};

struct CoverageLimits {
  std::size_t max_processes = 16'384;
  std::size_t max_descriptors_each = 65'536;
  std::size_t max_sockets = 500'000;  // over all processes
  std::size_t max_namespaces = 1'024;
  std::size_t max_table_bytes = 64u << 20;  // of one net/tcp
};

// `root` as elsewhere. Any thread that `kernel` may be called by.
//
// With `kernel`, and if it tells all: a few us a process that has sockets. Otherwise by /proc:
// about 1 us a descriptor, 2 us a socket, and two walks of the kernel's hash table of connections
// (some 4 ms each for 262,144 buckets) for every network namespace. Both give the same report, but
// that /proc shows no descriptors that only a thread with a table of its own has, and no sockets of
// namespaces in which nobody lives.
CoverageReport TakeCoverage(const std::string& root = {}, const CoverageLimits& limits = {},
                            const HeldFiles& kernel = {});

}  // namespace wirespan::process
