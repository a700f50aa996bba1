#include "agent/process/procfs.h"

#include <fcntl.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "agent/process/file_reader.h"
#include "agent/process/net_table.h"

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxArgumentBytes = 16 << 10;
constexpr std::size_t kMaxEnvironmentBytes = 1 << 20;
constexpr std::size_t kMaxMapsBytes = 1 << 20;
constexpr std::size_t kMaxCgroupBytes = 16 << 10;

tl::unexpected<Error> FailOpen(const std::string& path, int error_number) {
  return FailErrno(path, error_number == ESRCH ? ENOENT : error_number);
}

bool MayNeverAnswer(long file_system) {
  constexpr std::array<unsigned long, 6> kRemote = {
      0x65735546ul /* FUSE */, 0x6969ul /* NFS */,      0xff534d42ul /* CIFS */,
      0xfe534d42ul /* SMB2 */, 0x00c36400ul /* Ceph */, 0x5346414ful /* AFS */};
  for (const unsigned long magic : kRemote) {
    if (static_cast<std::uint32_t>(file_system) == magic) return true;
  }
  return false;
}

// A file of lines from the kernel (seq_file) answers a read with what it has written into a buffer
// of a page or more: all lines that are left, or so many that the next one does not fit. No line of
// these tables has 512 bytes, so a read that leaves more room than that in the smallest page, and
// in the reader's buffer, was the last. Asking once more would have the kernel walk all of its
// connections once more: net/tcp begins anew behind its end.
constexpr std::size_t kTableEndsBelow = 4096 - 512;

Error Malformed(const char* file) {
  return Error{ErrorCode::kInvalidArgument, std::string(file) + ": not in the kernel's format"};
}

}  // namespace

Result<ProcessFolder> ProcessFolder::Open(const std::string& root, std::uint32_t pid) {
  const std::string path = root + "/proc/" + std::to_string(pid);
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return FailOpen(path, errno);
  return ProcessFolder(std::move(folder));
}

Result<ProcessStat> ProcessFolder::Stat() const {
  auto text = ReadFileAt(folder_.get(), "stat", 4096);
  if (!text) return tl::unexpected(std::move(text.error()));
  auto stat = ParseStat(text->text);
  if (!stat) return tl::unexpected(Malformed("stat"));
  return std::move(*stat);
}

Result<ProcessFolder::Status> ProcessFolder::ReadStatus() const {
  auto text = ReadFileAt(folder_.get(), "status", 4096);
  if (!text) return tl::unexpected(std::move(text.error()));
  const auto uid = ParseStatusUid(text->text);
  if (!uid) return tl::unexpected(Malformed("status"));
  return Status{.uid = *uid, .inner_pid = ParseStatusInnerPid(text->text)};
}

Result<std::string> ProcessFolder::Executable() const { return ReadLinkAt(folder_.get(), "exe"); }

Result<std::vector<std::string>> ProcessFolder::Arguments() const {
  auto text = ReadFileAt(folder_.get(), "cmdline", kMaxArgumentBytes);
  if (!text) return tl::unexpected(std::move(text.error()));
  return SplitArguments(text->text);
}

Result<std::string> ProcessFolder::Cgroup() const {
  auto text = ReadFileAt(folder_.get(), "cgroup", kMaxCgroupBytes);
  if (!text) return tl::unexpected(std::move(text.error()));
  return std::move(text->text);
}

Result<Variables> ProcessFolder::OtelEnvironment() const {
  OtelVariableReader reader;
  auto read = ReadPiecesAt(folder_.get(), "environ", kMaxEnvironmentBytes,
                           [&](std::string_view piece) { return reader.Feed(piece); });
  if (!read) return tl::unexpected(std::move(read.error()));
  return reader.Finish();
}

Result<> ProcessFolder::MappedFiles(const std::function<bool(std::string_view path)>& path) const {
  std::string last;
  bool wanted = true;
  LineReader lines([&](std::string_view line) {
    const std::size_t at = line.find('/');  // addresses, flags, offset, device and inode hold none
    if (!wanted || at == std::string_view::npos || line.substr(at) == last) return;
    last = line.substr(at);
    wanted = path(last);
  });
  auto read = ReadPiecesAt(folder_.get(), "maps", kMaxMapsBytes, [&](std::string_view piece) {
    lines.Feed(piece);
    return wanted;
  });
  if (!read) return tl::unexpected(std::move(read.error()));
  lines.Finish();
  return {};
}

Result<bool> ProcessFolder::OpenFiles(
    std::size_t max, const std::function<bool(std::string_view target)>& target) const {
  const UniqueFd folder(::openat(folder_.get(), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return FailOpen("fd", errno);
  return ListFolderAt(folder.get(), ".", max, [&](const char* name) {
    std::array<char, 1024> link;
    const ssize_t size = ::readlinkat(folder.get(), name, link.data(), link.size());
    // A descriptor may be closed between the listing and this look at it.
    return size <= 0 || target(std::string_view(link.data(), static_cast<std::size_t>(size)));
  });
}

Result<std::uint64_t> ProcessFolder::NetworkNamespace() const {
  auto link = ReadLinkAt(folder_.get(), "ns/net");
  if (!link) return tl::unexpected(std::move(link.error()));
  std::uint64_t inode = 0;
  constexpr std::string_view kHead = "net:[";
  if (!link->starts_with(kHead) || !link->ends_with(']'))
    return tl::unexpected(Malformed("ns/net"));
  std::from_chars(link->data() + kHead.size(), link->data() + link->size() - 1, inode);
  return inode;
}

Result<bool> ProcessFolder::NetTable(const char* table, std::size_t max_bytes,
                                     const std::function<void(std::string_view line)>& line) const {
  LineReader lines(line);
  auto read = ReadPiecesAt(
      folder_.get(), std::string("net/") + table, max_bytes,
      [&](std::string_view piece) {
        lines.Feed(piece);
        return true;
      },
      kTableEndsBelow);
  lines.Finish();
  return read;
}

Result<UniqueFd> ProcessFolder::OpenExecutable() const {
  // O_PATH asks the file's server nothing; only then is it known whose file it is.
  const UniqueFd place(::openat(folder_.get(), "exe", O_PATH | O_CLOEXEC));
  if (!place.valid()) return FailOpen("exe", errno);
  struct statfs status{};
  if (::fstatfs(place.get(), &status) != 0) return FailOpen("exe", errno);
  if (MayNeverAnswer(static_cast<long>(status.f_type)))
    return Fail(ErrorCode::kUnsupported, "exe: on a remote or user-space file system");
  const std::string reopen = "/proc/self/fd/" + std::to_string(place.get());
  UniqueFd file(::open(reopen.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return FailOpen("exe", errno);
  return file;
}

Result<bool> ListProcesses(const std::string& root, std::size_t max,
                           const std::function<void(std::uint32_t pid)>& process) {
  std::size_t shown = 0;
  return ListFolderAt(AT_FDCWD, root + "/proc", max + 4096, [&](const char* name) {
    std::uint32_t pid = 0;
    const char* end = name + std::strlen(name);
    const auto [stop, problem] = std::from_chars(name, end, pid);
    if (problem != std::errc{} || stop != end) return true;
    if (shown++ == max) return false;
    process(pid);
    return true;
  });
}

}  // namespace wirespan::process
