#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connection/ledger.h"
#include "common/base/flat_map.h"

namespace wirespan::connection {

struct TlsPeer {
  std::string sni{};
  std::string alpn{};
  std::uint64_t connections = 0;
};

// What was seen of a process's connections, and what was not: for `explain`. Counts are since the
// process was first seen.
struct Coverage {
  std::uint32_t pid = 0;
  std::uint64_t http1_connections = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t tls_connections = 0;
  std::vector<TlsPeer> tls{};  // the first few names
  std::uint64_t http2_connections = 0;
  std::uint64_t open_streams = 0;          // HTTP/2, now
  std::uint64_t oldest_stream_ns = 0;      // when the oldest of them began; 0: none
  std::uint64_t opaque_connections = 0;    // neither HTTP nor TLS
  std::uint64_t upgraded_connections = 0;  // 101 or CONNECT
  std::uint64_t unseen_bytes =
      0;  // passed where nothing could be read: lost heads, buffers out of reach
};

// Coverage of each process, bounded: when full, the one that exited first goes, else new ones share
// pid 0.
class CoverageTable {
 public:
  CoverageTable(std::size_t max_pids, Ledger& ledger) : max_pids_(max_pids), ledger_(ledger) {}

  Coverage& Of(std::uint32_t pid);
  void AddTls(std::uint32_t pid, std::string_view sni, std::string_view alpn);
  void OnExit(std::uint32_t pid, std::uint64_t ts_ns);
  bool Exited(std::uint32_t pid) const;
  // Forgets processes that exited before `ts_ns`.
  void ForgetExited(std::uint64_t ts_ns);
  std::vector<Coverage> Snapshot() const;

 private:
  struct Entry {
    Coverage coverage{};
    std::uint64_t exited_ns = 0;
  };
  std::size_t max_pids_;
  Ledger& ledger_;
  FlatMap<std::uint32_t, std::unique_ptr<Entry>> entries_{};
  Entry* last_ = nullptr;
};

}  // namespace wirespan::connection
