#include "common/http/tls_copies.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>

namespace wirespan::http {

namespace {

constexpr std::size_t kMaxFileBytes = 4u << 20;  // the system's authorities are 200 KiB

std::string PathOf(const UniqueFd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

Result<> Append(const std::string& path, std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno(path, errno);
  std::array<char, 16384> piece{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(path, errno);
    if (got == 0) return {};
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxFileBytes) {
      return Fail(ErrorCode::kInvalidArgument, path + ": too large for a certificate file");
    }
  }
}

Result<UniqueFd> InMemory(std::string_view text) {
  UniqueFd fd(::memfd_create("wirespan-tls", MFD_CLOEXEC));
  if (!fd.valid()) return FailErrno("copy of a certificate file", errno);
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FailErrno("copy of a certificate file", errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return fd;
}

}  // namespace

// The number stays and with it the path; who has opened it before goes on reading what it was.
Result<> TlsCopies::Copy::Replace(UniqueFd next) {
  if (!next.valid()) return {};
  if (!fd.valid()) {
    path = PathOf(next);
    fd = std::move(next);
    return {};
  }
  if (::dup3(next.get(), fd.get(), O_CLOEXEC) < 0) {
    return FailErrno("copy of a certificate file", errno);
  }
  return {};
}

// What is checked is the copy: the files may change meanwhile, which the stamp tells next time.
Result<> TlsCopies::Refresh() {
  stamp_ = StampOf(files_);
  if (auto usable = CheckTlsFiles(files_); !usable) return usable;  // names the file
  std::array<UniqueFd, 2> copies;
  const auto copy = [](std::initializer_list<const std::string*> paths, UniqueFd& to) -> Result<> {
    std::string text;
    for (const std::string* path : paths) {
      if (path->empty()) continue;
      if (auto read = Append(*path, text); !read) return read;
      text += '\n';
    }
    if (text.empty()) return {};
    auto made = InMemory(text);
    if (!made) return tl::unexpected(std::move(made.error()));
    to = std::move(*made);
    return {};
  };
  auto copied = copy({&files_.certificate_file, &files_.key_file}, copies[0]);
  if (copied) copied = copy({&files_.ca_file}, copies[1]);
  if (!copied) {
    stamp_.clear();  // perhaps for want of a descriptor: tried again
    return copied;
  }
  const auto path = [](const UniqueFd& fd) { return fd.valid() ? PathOf(fd) : std::string(); };
  if (auto usable = CheckTlsFiles({path(copies[0]), path(copies[0]), path(copies[1])}); !usable) {
    return usable;
  }
  auto replaced = identity_.Replace(std::move(copies[0]));
  return replaced ? ca_.Replace(std::move(copies[1])) : replaced;
}

Result<std::unique_ptr<TlsCopies>> TlsCopies::Start(const TlsFiles& files,
                                                    std::chrono::milliseconds interval,
                                                    std::function<void(const Result<>&)> told) {
  std::unique_ptr<TlsCopies> copies(new TlsCopies(files));
  if (auto read = copies->Refresh(); !read) return tl::unexpected(std::move(read.error()));
  interval = std::max(interval, std::chrono::milliseconds(100));
  copies->thread_ = std::jthread(
      [raw = copies.get(), interval, told = std::move(told)](const std::stop_token& stop) {
        std::mutex asleep;
        std::condition_variable_any ends;
        std::unique_lock lock(asleep);
        while (!ends.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
          if (StampOf(raw->files_) == raw->stamp_) continue;
          const Result<> refreshed = raw->Refresh();
          if (told) told(refreshed);
        }
      });
  return copies;
}

}  // namespace wirespan::http
