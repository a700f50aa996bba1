#include "agent/process/coverage.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "agent/process/net_table.h"
#include "agent/process/procfs.h"
#include "common/base/flat_map.h"

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxListening = 64;

struct Holder {
  ProcessSockets process{};
  std::vector<std::uint64_t> inodes{};
};

struct Found {
  bool tcp = false;
  bool listening = false;
  bool connected = false;
  std::uint32_t address = 0;  // index of a listening one
};

std::string AddressText(const InetSocket& socket) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* out = ::inet_ntop(socket.ipv6 ? AF_INET6 : AF_INET, socket.local_address.data(),
                                text.data(), static_cast<socklen_t>(text.size()));
  return out == nullptr ? std::string() : std::string(out);
}

// The sockets of all namespaces: inode numbers of sockets are unique on a machine.
class SocketIndex {
 public:
  explicit SocketIndex(const CoverageLimits& limits) : limits_(limits) {}

  // False: this process's view of its namespace could not be read; another's may.
  bool Read(const ProcessFolder& folder) {
    bool any = false;
    for (const bool ipv6 : {false, true}) {
      any |= ReadTable(folder, ipv6 ? "tcp6" : "tcp", [&](std::string_view line) {
        const auto socket = ParseInetLine(line, ipv6);
        if (!socket || socket->inode == 0) return;
        Found found{.tcp = true, .listening = socket->listening, .connected = !socket->listening};
        if (socket->listening) {
          found.address = static_cast<std::uint32_t>(addresses_.size());
          addresses_.push_back({AddressText(*socket), socket->local_port});
        }
        Add(socket->inode, found);
      });
    }
    any |= ReadTable(folder, "unix", [&](std::string_view line) {
      auto socket = ParseUnixLine(line);
      if (!socket || socket->inode == 0) return;
      Found found{.listening = socket->listening, .connected = socket->connected};
      if (socket->listening) {
        found.address = static_cast<std::uint32_t>(addresses_.size());
        addresses_.push_back({std::move(socket->path), 0});
      }
      Add(socket->inode, found);
    });
    return any;
  }

  const Found* Find(std::uint64_t inode) const {
    const auto found = sockets_.find(inode);
    return found == sockets_.end() ? nullptr : &found->second;
  }
  const ListenAddress& address(const Found& found) const { return addresses_[found.address]; }
  bool cut() const { return cut_; }

 private:
  template <class Line>
  bool ReadTable(const ProcessFolder& folder, const char* table, Line&& line) {
    const auto whole = folder.NetTable(table, limits_.max_table_bytes, line);
    if (whole && !*whole) cut_ = true;
    return whole.has_value();
  }
  void Add(std::uint64_t inode, const Found& found) {
    if (sockets_.size() >= limits_.max_sockets) {
      cut_ = true;
      return;
    }
    sockets_.try_emplace(inode, found);
  }

  const CoverageLimits& limits_;
  FlatMap<std::uint64_t, Found> sockets_;
  std::vector<ListenAddress> addresses_;
  bool cut_ = false;
};

// By the class in the first bytes of the ELF file; what can't be read is taken for 64-bit.
bool IsThirtyTwoBit(const ProcessFolder& folder) {
  const auto file = folder.OpenExecutable();
  std::array<char, 5> head{};
  if (!file || ::pread(file->get(), head.data(), head.size(), 0) != 5) return false;
  return std::string_view(head.data(), 4) ==
             "\x7f"
             "ELF" &&
         head[4] == 1;
}

void AddSocket(ProcessSockets& process, const SocketIndex& index, const Found& found) {
  if (found.listening) {
    const ListenAddress& address = index.address(found);
    const bool known = std::find(process.listening.begin(), process.listening.end(), address) !=
                       process.listening.end();
    if (!known && process.listening.size() < kMaxListening) process.listening.push_back(address);
  } else if (found.connected) {
    ++(found.tcp ? process.tcp_connections : process.unix_connections);
  }
}

}  // namespace

CoverageReport TakeCoverage(const std::string& root, const CoverageLimits& limits) {
  CoverageReport report;
  std::vector<Holder> holders;
  std::size_t inodes_total = 0;
  std::map<std::uint64_t, bool> namespaces;  // inode -> read
  SocketIndex index(limits);

  const auto all = ListProcesses(root, limits.max_processes, [&](std::uint32_t pid) {
    ++report.processes_seen;
    const auto folder = ProcessFolder::Open(root, pid);
    if (!folder) return;  // ended since the listing
    Holder holder;
    const auto whole = folder->OpenFiles(limits.max_descriptors_each, [&](std::string_view target) {
      if (const auto inode = ParseSocketLink(target)) {
        if (inodes_total >= limits.max_sockets) {
          report.cut = true;
          return false;
        }
        ++inodes_total;
        holder.inodes.push_back(*inode);
      }
      if (target == "anon_inode:[io_uring]") ++holder.process.io_urings;
      return true;
    });
    if (!whole) {
      if (whole.error().code == ErrorCode::kPermissionDenied) ++report.processes_denied;
      return;
    }
    if (holder.inodes.empty()) return;
    ProcessSockets& process = holder.process;
    process.pid = pid;
    process.descriptors_cut = !*whole;
    if (auto stat = folder->Stat()) process.comm = std::move(stat->comm);
    if (auto executable = folder->Executable()) process.executable = std::move(*executable);
    process.thirty_two_bit = IsThirtyTwoBit(*folder);
    process.network_namespace = folder->NetworkNamespace().value_or(0);

    auto place = namespaces.find(process.network_namespace);
    if (place == namespaces.end()) {
      if (namespaces.size() < limits.max_namespaces) {
        place = namespaces.emplace(process.network_namespace, false).first;
      } else {
        report.cut = true;
      }
    }
    if (place != namespaces.end() && !place->second) place->second = index.Read(*folder);
    holders.push_back(std::move(holder));
  });
  report.cut |= index.cut() || !all.value_or(false);

  for (const auto& [inode, read] : namespaces) {
    if (!read) report.namespaces_unread.push_back(inode);
  }
  for (Holder& holder : holders) {
    bool stream = false;
    for (const std::uint64_t inode : holder.inodes) {
      const Found* found = index.Find(inode);
      if (found == nullptr) continue;
      stream = true;
      AddSocket(holder.process, index, *found);
    }
    std::sort(holder.process.listening.begin(), holder.process.listening.end());
    if (stream) report.processes.push_back(std::move(holder.process));
  }
  std::sort(report.processes.begin(), report.processes.end(),
            [](const ProcessSockets& a, const ProcessSockets& b) { return a.pid < b.pid; });
  return report;
}

}  // namespace wirespan::process
