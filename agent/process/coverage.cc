#include "agent/process/coverage.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "agent/process/procfs.h"
#include "agent/process/socket_index.h"

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxListening = 64;

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

void Describe(const ProcessFolder& folder, ProcessSockets& process) {
  if (auto stat = folder.Stat()) process.comm = std::move(stat->comm);
  if (auto executable = folder.Executable()) process.executable = std::move(*executable);
  process.thirty_two_bit = IsThirtyTwoBit(folder);
  process.network_namespace = folder.NetworkNamespace().value_or(0);
}

void AddSocket(ProcessSockets& process, const StreamSocket& socket, const ListenAddress* address) {
  if (address != nullptr) {
    const bool known = std::find(process.listening.begin(), process.listening.end(), *address) !=
                       process.listening.end();
    if (!known && process.listening.size() < kMaxListening) process.listening.push_back(*address);
  } else if (socket.connected) {
    ++(socket.tcp ? process.tcp_connections : process.unix_connections);
  }
}

// A descriptor as `kernel` told it: of a ring, or of a socket.
struct Told {
  std::uint32_t pid = 0;
  bool ring = false;
  std::uint64_t key = 0;  // what makes it one of its own: a socket's inode, a ring's descriptor
  StreamSocket socket{};
};

// nullopt: not everything was told.
std::optional<CoverageReport> ByKernel(const std::string& root, const CoverageLimits& limits,
                                       const HeldFiles& kernel) {
  CoverageReport report;
  std::vector<Told> told;
  std::vector<ListenAddress> addresses;
  const bool whole = kernel([&](const HeldFile& file) {
    if (told.size() >= limits.max_sockets) {
      report.cut = true;
      return;
    }
    const bool ring = file.kind == HeldFile::Kind::kIoUring;
    Told one{.pid = file.pid, .ring = ring, .key = ring ? file.descriptor : file.inode};
    one.socket = {.tcp = file.kind == HeldFile::Kind::kTcp,
                  .listening = file.listening,
                  .connected = file.connected};
    if (file.listening) {
      one.socket.address = static_cast<std::uint32_t>(addresses.size());
      addresses.push_back(one.socket.tcp
                              ? ListenAddress{AddressText(file.address, file.ipv6), file.port}
                              : ListenAddress{std::string(file.path), 0});
    }
    told.push_back(one);
  });
  if (!whole) return std::nullopt;

  const auto order = [](const Told& a) { return std::tuple(a.pid, a.ring, a.key); };
  std::sort(told.begin(), told.end(),
            [&](const Told& a, const Told& b) { return order(a) < order(b); });
  told.erase(std::unique(told.begin(), told.end(),
                         [&](const Told& a, const Told& b) { return order(a) == order(b); }),
             told.end());
  for (auto first = told.begin(); first != told.end();) {
    const auto end =
        std::find_if(first, told.end(), [&](const Told& other) { return other.pid != first->pid; });
    const auto begin = std::exchange(first, end);
    if (begin->ring) continue;  // rings come last: it has nothing else
    if (report.processes_seen == limits.max_processes) {
      report.cut = true;
      break;
    }
    ++report.processes_seen;
    const auto folder = ProcessFolder::Open(root, begin->pid);
    if (!folder) continue;  // ended since
    ProcessSockets& process = report.processes.emplace_back();
    process.pid = begin->pid;
    Describe(*folder, process);
    for (auto one = begin; one != end; ++one) {
      if (one->ring) {
        ++process.io_urings;
      } else {
        AddSocket(process, one->socket,
                  one->socket.listening ? &addresses[one->socket.address] : nullptr);
      }
    }
    std::sort(process.listening.begin(), process.listening.end());
  }
  return report;
}

struct Holder {
  ProcessSockets process{};
  std::vector<std::uint64_t> inodes{};  // sorted, each once
};

CoverageReport ByProc(const std::string& root, const CoverageLimits& limits) {
  CoverageReport report;
  std::vector<Holder> holders;
  std::size_t inodes_total = 0;
  std::map<std::uint64_t, bool> namespaces;  // inode -> read
  SocketIndex index({limits.max_sockets, limits.max_table_bytes});

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
    std::sort(holder.inodes.begin(), holder.inodes.end());
    holder.inodes.erase(std::unique(holder.inodes.begin(), holder.inodes.end()),
                        holder.inodes.end());
    ProcessSockets& process = holder.process;
    process.pid = pid;
    process.descriptors_cut = !*whole;
    Describe(*folder, process);

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
      const StreamSocket* found = index.Find(inode);
      if (found == nullptr) continue;
      stream = true;
      AddSocket(holder.process, *found, found->listening ? &index.address(*found) : nullptr);
    }
    std::sort(holder.process.listening.begin(), holder.process.listening.end());
    if (stream) report.processes.push_back(std::move(holder.process));
  }
  std::sort(report.processes.begin(), report.processes.end(),
            [](const ProcessSockets& a, const ProcessSockets& b) { return a.pid < b.pid; });
  return report;
}

}  // namespace

CoverageReport TakeCoverage(const std::string& root, const CoverageLimits& limits,
                            const HeldFiles& kernel) {
  if (kernel) {
    if (auto report = ByKernel(root, limits, kernel)) return std::move(*report);
  }
  return ByProc(root, limits);
}

}  // namespace wirespan::process
