#include "agent/connection/coverage.h"

#include <algorithm>

namespace wirespan::connection {
namespace {
constexpr std::size_t kMaxTlsPeers = 8;
}  // namespace

Coverage& CoverageTable::Of(std::uint32_t pid) {
  if (last_ != nullptr && last_->coverage.pid == pid) return last_->coverage;
  auto found = entries_.find(pid);
  if (found == entries_.end()) {
    if (pid != 0 && entries_.size() >= max_pids_) {
      ledger_.PidOverflow();
      ForgetExited(~0ull);
      if (entries_.size() >= max_pids_) return Of(0);
    }
    found = entries_.emplace(pid, std::make_unique<Entry>()).first;
    found->second->coverage.pid = pid;
  }
  last_ = found->second.get();
  return last_->coverage;
}

void CoverageTable::AddTls(std::uint32_t pid, std::string_view sni, std::string_view alpn) {
  Coverage& coverage = Of(pid);
  ++coverage.tls_connections;
  for (TlsPeer& peer : coverage.tls) {
    if (peer.sni == sni && peer.alpn == alpn) {
      ++peer.connections;
      return;
    }
  }
  if (coverage.tls.size() < kMaxTlsPeers)
    coverage.tls.push_back({std::string(sni), std::string(alpn), 1});
}

void CoverageTable::OnExit(std::uint32_t pid, std::uint64_t ts_ns) {
  const auto found = entries_.find(pid);
  if (found != entries_.end()) found->second->exited_ns = std::max<std::uint64_t>(ts_ns, 1);
}

bool CoverageTable::Exited(std::uint32_t pid) const {
  const auto found = entries_.find(pid);
  return found != entries_.end() && found->second->exited_ns != 0;
}

void CoverageTable::ForgetExited(std::uint64_t ts_ns) {
  last_ = nullptr;
  absl::erase_if(entries_, [&](const auto& entry) {
    return entry.second->exited_ns != 0 && entry.second->exited_ns < ts_ns;
  });
}

std::vector<Coverage> CoverageTable::Snapshot() const {
  std::vector<Coverage> out;
  out.reserve(entries_.size());
  for (const auto& [pid, entry] : entries_) out.push_back(entry->coverage);
  std::sort(out.begin(), out.end(),
            [](const Coverage& a, const Coverage& b) { return a.pid < b.pid; });
  return out;
}

}  // namespace wirespan::connection
