#include "common/queue/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <utility>

#include "common/base/unique_fd.h"

namespace wirespan::queue {

namespace {

constexpr const char* kLockName = "lock";

tl::unexpected<Error> FailIo(std::string_view what, int error) {
  auto failed = FailErrno(what, error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    failed.value().code = ErrorCode::kResourceExhausted;
  }
  return failed;
}

class RealFile : public DiskFile {
 public:
  RealFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<> Write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::vector<iovec> left;
    left.reserve(pieces.size());
    for (const std::string_view piece : pieces) {
      if (!piece.empty()) left.push_back({const_cast<char*>(piece.data()), piece.size()});
    }
    std::size_t first = 0;
    while (first < left.size()) {
      const auto count = static_cast<int>(std::min<std::size_t>(left.size() - first, IOV_MAX));
      const ssize_t written =
          ::pwritev(fd_.get(), left.data() + first, count, static_cast<off_t>(offset));
      if (written < 0) {
        if (errno == EINTR) continue;
        return FailIo("write " + path_, errno);
      }
      offset += static_cast<std::uint64_t>(written);
      for (auto rest = static_cast<std::size_t>(written); rest > 0;) {
        iovec& piece = left[first];
        const std::size_t taken = std::min(rest, piece.iov_len);
        piece.iov_base = static_cast<char*>(piece.iov_base) + taken;
        piece.iov_len -= taken;
        rest -= taken;
        if (piece.iov_len == 0) ++first;
      }
    }
    return {};
  }

  Result<> Sync() override {
    if (::fdatasync(fd_.get()) != 0) return FailIo("sync " + path_, errno);
    return {};
  }

  Result<std::size_t> Read(std::uint64_t offset, char* out, std::size_t size) const override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got =
          ::pread(fd_.get(), out + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FailIo("read " + path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<> Truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      return FailIo("truncate " + path_, errno);
    }
    return {};
  }

  Result<std::uint64_t> Size() const override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return FailIo("stat " + path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  UniqueFd fd_;
  std::string path_;
};

class RealDisk : public Disk {
 public:
  RealDisk(std::string path, UniqueFd folder, UniqueFd lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  Result<std::vector<std::string>> List() const override {
    const int copy = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* listing = copy < 0 ? nullptr : ::fdopendir(copy);
    if (listing == nullptr) {
      const int error = errno;
      if (copy >= 0) ::close(copy);
      return FailIo("list " + path_, error);
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(listing)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != ".." && name != kLockName) names.emplace_back(name);
    }
    ::closedir(listing);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::unique_ptr<DiskFile>> Create(const std::string& name) override {
    return OpenWith(name, O_RDWR | O_CREAT | O_TRUNC);
  }
  Result<std::unique_ptr<DiskFile>> Open(const std::string& name) override {
    return OpenWith(name, lock_.valid() ? O_RDWR : O_RDONLY);
  }

  Result<> Remove(const std::string& name) override {
    if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
      return FailIo("remove " + path_ + "/" + name, errno);
    }
    return {};
  }

  Result<> Rename(const std::string& from, const std::string& to) override {
    if (::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0) {
      return FailIo("rename " + path_ + "/" + from, errno);
    }
    return {};
  }

  Result<> SyncFolder() override {
    if (::fsync(folder_.get()) != 0) return FailIo("sync " + path_, errno);
    return {};
  }

 private:
  Result<std::unique_ptr<DiskFile>> OpenWith(const std::string& name, int flags) {
    UniqueFd fd(::openat(folder_.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return FailIo("open " + path_ + "/" + name, errno);
    return std::make_unique<RealFile>(std::move(fd), path_ + "/" + name);
  }

  const std::string path_;
  const UniqueFd folder_;
  const UniqueFd lock_;  // invalid: for reading only
};

Result<UniqueFd> OpenPath(const std::string& path) {
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return FailIo("open " + path, errno);
  return folder;
}

}  // namespace

Result<std::unique_ptr<Disk>> OpenFolder(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) {
    std::filesystem::create_directories(path, failed);
    if (failed) return FailIo("create " + path, failed.value());
    ::chmod(path.c_str(), 0700);
  }
  auto folder = OpenPath(path);
  if (!folder) return tl::unexpected(folder.error());
  UniqueFd lock(::openat(folder->get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return FailIo("open " + path + "/" + kLockName, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kUnavailable, path + " is in use by another process");
  }
  return std::make_unique<RealDisk>(path, std::move(*folder), std::move(lock));
}

Result<std::unique_ptr<Disk>> OpenFolderForReading(const std::string& path) {
  auto folder = OpenPath(path);
  if (!folder) return tl::unexpected(folder.error());
  return std::make_unique<RealDisk>(path, std::move(*folder), UniqueFd());
}

}  // namespace wirespan::queue
