// Programs that run when they are read: what they write is a file of their own.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/kernel/bpf_object.h"
#include "agent/kernel/census.h"
#include "bpf/abi/event.h"
#include "common/base/unique_fd.h"
#include "common/telemetry/log.h"

namespace wirespan::kernel {
namespace {

using Link = std::unique_ptr<bpf_link, int (*)(bpf_link*)>;

// One that runs for each element of a map and once after them. nullptr: not offered here.
bpf_link* AttachIterator(const bpf_program* program, int map) {
  if (program == nullptr || !bpf_program__autoload(program) || map < 0) return nullptr;
  bpf_iter_link_info over{};
  over.map.map_fd = static_cast<std::uint32_t>(map);
  bpf_iter_attach_opts options{};
  options.sz = sizeof(options);
  options.link_info = &over;
  options.link_info_len = sizeof(over);
  return bpf_program__attach_iter(program, &options);
}

// All that it writes, in pieces; `piece` returns false to stop. Whether that was read to its end.
bool ReadIterator(const bpf_link* link, const std::function<bool(std::string_view)>& piece) {
  const UniqueFd fd(bpf_iter_create(bpf_link__fd(link)));
  alignas(8) std::array<char, 32768> buffer;  // as much as the kernel puts together at a time
  while (fd.valid()) {
    const auto size = read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
      continue;  // a long walk asks to be called again
    if (size <= 0) return size == 0;
    if (!piece(std::string_view(buffer.data(), static_cast<std::size_t>(size)))) return false;
  }
  return false;
}

}  // namespace

void BpfObject::ForEachGoneUnixSocket(const std::function<void(std::uint64_t)>& visit) {
  const int map = map_fd("ws_unix_socks");
  if (no_gone_) return;
  if (iterator_ == nullptr) {
    iterator_ = AttachIterator(bpf_object__find_program_by_name(object_, "unix_gone"), map);
    no_gone_ = iterator_ == nullptr;
    if (no_gone_) return;
    links_.push_back(iterator_);
  }
  ReadIterator(iterator_, [&](std::string_view bytes) {
    for (; bytes.size() >= sizeof(std::uint64_t); bytes.remove_prefix(sizeof(std::uint64_t))) {
      std::uint64_t id = 0;
      std::memcpy(&id, bytes.data(), sizeof(id));
      bpf_map_delete_elem(map, &id);
      visit(id);
    }
    return true;
  });
}

std::string BpfObject::OwnGroups() {
  const bpf_program* program = bpf_object__find_program_by_name(object_, "own_groups");
  const Link link(AttachIterator(program, map_fd("ws_verdicts")), &bpf_link__destroy);
  std::string text;
  if (!link) return text;
  ReadIterator(link.get(), [&](std::string_view bytes) {
    text.append(bytes.substr(0, WS_GROUPS_TEXT - text.size()));
    return text.size() < WS_GROUPS_TEXT;
  });
  return text;
}

bool BpfObject::ForEachHeldFile(const std::function<void(const process::HeldFile&)>& visit) {
  const bpf_program* program = bpf_object__find_program_by_name(object_, "open_files");
  if (program == nullptr || !bpf_program__autoload(program)) return false;
  const Link link(bpf_program__attach_iter(program, nullptr), &bpf_link__destroy);
  if (!link) {
    log::Debug("capture: open files cannot be asked of the kernel (error {}), so /proc is", errno);
    return false;
  }
  CensusReader reader(visit);
  return ReadIterator(link.get(), [&](std::string_view bytes) { return reader.Feed(bytes); }) &&
         reader.whole();
}

}  // namespace wirespan::kernel
