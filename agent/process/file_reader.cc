#include "agent/process/file_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "common/base/unique_fd.h"

namespace wirespan::process {
namespace {

// A process that ended answers ESRCH where a name that is gone answers ENOENT: the same to callers.
tl::unexpected<Error> FailRead(const std::string& path, int error_number) {
  return FailErrno(path, error_number == ESRCH ? ENOENT : error_number);
}

}  // namespace

Result<bool> ReadPiecesAt(int dir_fd, const std::string& path, std::size_t max_bytes,
                          const std::function<bool(std::string_view)>& piece,
                          std::size_t last_below) {
  const UniqueFd fd(::openat(dir_fd, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return FailRead(path, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return FailRead(path, errno);
  if (!S_ISREG(status.st_mode))
    return Fail(ErrorCode::kInvalidArgument, path + ": not a regular file");

  std::array<char, 8192> buffer;
  std::size_t total = 0;
  while (true) {
    // One byte beyond the bound tells "exactly full" from "cut".
    const std::size_t want = std::min(buffer.size(), max_bytes - total + 1);
    const ssize_t got = ::read(fd.get(), buffer.data(), want);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailRead(path, errno);
    if (got == 0) return true;
    const std::size_t keep = std::min(static_cast<std::size_t>(got), max_bytes - total);
    total += keep;
    if (keep > 0 && !piece(std::string_view(buffer.data(), keep))) return false;
    if (keep < static_cast<std::size_t>(got)) return false;
    if (static_cast<std::size_t>(got) < std::min(want, last_below)) return true;
  }
}

Result<BoundedText> ReadFileAt(int dir_fd, const std::string& path, std::size_t max_bytes) {
  BoundedText out;
  auto whole = ReadPiecesAt(dir_fd, path, max_bytes, [&](std::string_view bytes) {
    out.text.append(bytes);
    return true;
  });
  if (!whole) return tl::unexpected(std::move(whole.error()));
  out.truncated = !*whole;
  return out;
}

Result<std::string> ReadLinkAt(int dir_fd, const std::string& path) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::readlinkat(dir_fd, path.c_str(), buffer.data(), buffer.size());
  if (got < 0) return FailRead(path, errno);
  return std::string(buffer.data(), static_cast<std::size_t>(got));
}

Result<bool> ListFolderAt(int dir_fd, const std::string& path, std::size_t max_entries,
                          const std::function<bool(const char* name)>& entry) {
  UniqueFd fd(::openat(dir_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return FailRead(path, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd.get()), ::closedir);
  if (!folder) return FailRead(path, errno);
  fd.release();  // closedir's now
  std::size_t shown = 0;
  errno = 0;
  while (const dirent* item = ::readdir(folder.get())) {
    const std::string_view name = item->d_name;
    if (name == "." || name == "..") continue;
    if (shown++ == max_entries || !entry(item->d_name)) return false;
    errno = 0;
  }
  if (errno != 0) return FailRead(path, errno);
  return true;
}

}  // namespace wirespan::process
