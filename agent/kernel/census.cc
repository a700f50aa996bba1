#include "agent/kernel/census.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "bpf/abi/census.h"

namespace wirespan::kernel {
namespace {

using process::HeldFile;

bool HasPath(const ws_held& held) {
  return held.kind == WS_HELD_UNIX && held.state == WS_HELD_LISTENING;
}

bool IsSound(const ws_held& held) {
  if (held.kind < WS_HELD_END || held.kind > WS_HELD_IO_URING) return false;
  if (held.state > WS_HELD_CONNECTED || held.path_size > WS_UNIX_PATH) return false;
  return held.size == (HasPath(held) ? sizeof(ws_held_listener) : sizeof(ws_held));
}

// As /proc/net/unix writes it: of a path without the NUL at its end; an abstract name begins with
// NUL, and any other NUL is part of it.
void WritePath(std::string_view name, std::string& path) {
  path = name;
  if (path.size() > 1 && path[0] != '\0' && path.back() == '\0') path.pop_back();
  std::replace(path.begin(), path.end(), '\0', '@');
}

}  // namespace

bool CensusReader::Feed(std::string_view bytes) {
  if (!held_.empty()) {
    // Not more than completes the record that waits, so that little is copied.
    const std::size_t part = std::min(bytes.size(), sizeof(ws_held_listener) - held_.size());
    const std::size_t had = held_.size();
    held_ += bytes.substr(0, part);
    const std::size_t took = TakeRecord(held_);
    if (took == 0) {
      bytes.remove_prefix(part);
    } else {
      bytes.remove_prefix(took - had);
      held_.clear();
    }
  }
  while (!broken_ && !bytes.empty()) {
    const std::size_t took = TakeRecord(bytes);
    if (took == 0) {
      held_ += bytes;
      break;
    }
    bytes.remove_prefix(took);
  }
  return !broken_;
}

std::size_t CensusReader::TakeRecord(std::string_view bytes) {
  ws_held held;
  if (broken_ || bytes.size() < sizeof(held)) return 0;
  std::memcpy(&held, bytes.data(), sizeof(held));
  if (ended_ || !IsSound(held)) {
    broken_ = true;
    return 0;
  }
  if (bytes.size() < held.size) return 0;
  if (held.kind == WS_HELD_END) {
    ended_ = true;
    sees_all_ = held.tgid == 0;
    return held.size;
  }
  HeldFile file;
  file.pid = held.tgid;
  file.descriptor = held.fd;
  file.inode = held.inode;
  file.listening = held.state == WS_HELD_LISTENING;
  file.connected = held.state == WS_HELD_CONNECTED;
  file.ipv6 = held.kind == WS_HELD_INET6;
  file.port = held.port;
  std::memcpy(file.address.data(), held.address, sizeof(held.address));
  if (held.kind == WS_HELD_UNIX) file.kind = HeldFile::Kind::kUnix;
  if (held.kind == WS_HELD_IO_URING) file.kind = HeldFile::Kind::kIoUring;
  if (HasPath(held)) {
    WritePath(bytes.substr(offsetof(ws_held_listener, path), held.path_size), path_);
    file.path = path_;
  }
  visit_(file);
  return held.size;
}

}  // namespace wirespan::kernel
