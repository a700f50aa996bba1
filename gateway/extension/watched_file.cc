#include "gateway/extension/watched_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/unique_fd.h"
#include "common/telemetry/log.h"

namespace wirespan::gateway {

namespace {
constexpr std::uint64_t kLookEveryNs = 1'000'000'000;
constexpr std::size_t kMaxBytes = 1u << 20;
}  // namespace

Result<std::unique_ptr<WatchedFile>> WatchedFile::Open(std::string path, const Clock& clock) {
  std::unique_ptr<WatchedFile> file(new WatchedFile(std::move(path), clock));
  const std::lock_guard lock(file->mutex_);
  file->looked_ns_ = clock.monotonic_ns();
  if (auto read = file->Read(); !read) return tl::unexpected(read.error());
  return file;
}

Result<> WatchedFile::Read() const {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return FailErrno("read " + path_, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("read " + path_, errno);
  const Identity identity{.inode = info.st_ino,
                          .changed_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
                          .size = info.st_size};
  if (content_ != nullptr && identity == identity_) return {};
  auto content = std::make_shared<Content>();
  content->version = content_ == nullptr ? 1 : content_->version + 1;
  content->text.resize(kMaxBytes + 1);
  std::size_t size = 0;
  for (;;) {
    const ssize_t got = ::read(fd.get(), content->text.data() + size, content->text.size() - size);
    if (got < 0) return FailErrno("read " + path_, errno);
    size += static_cast<std::size_t>(got);
    if (size > kMaxBytes) {
      return Fail(ErrorCode::kInvalidArgument, "read " + path_ + ": larger than 1 MiB");
    }
    if (got == 0) break;
  }
  content->text.resize(size);
  while (content->text.ends_with('\n') || content->text.ends_with('\r')) content->text.pop_back();
  identity_ = identity;
  content_ = std::move(content);
  return {};
}

std::shared_ptr<const WatchedFile::Content> WatchedFile::Get() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now_ns = clock_.monotonic_ns();
  if (now_ns - looked_ns_ >= kLookEveryNs) {
    looked_ns_ = now_ns;
    if (auto read = Read(); !read) {
      log::WriteLimited(log::Level::kWarn, "watched " + path_,
                        read.error().message + "; going on with what it held before");
    }
  }
  return content_;
}

}  // namespace wirespan::gateway
