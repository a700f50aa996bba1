#include "gateway/sink/file_sender.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/telemetry/log.h"
#include "gateway/sink/encode.h"

namespace wirespan::gateway {

namespace {

namespace fs = std::filesystem;

// Its length stands in front of it: 4 bytes, big-endian.
std::string FrameOf(const std::string& payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::string frame;
  frame.reserve(payload.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(size >> shift));
  return frame + payload;
}

class RotatingFile : public FileWriter {
 public:
  explicit RotatingFile(FileOptions options) : options_(std::move(options)) {}

  Result<> OpenFile(bool truncate) {
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | (truncate ? O_TRUNC : 0);
    fd_ = UniqueFd(::open(options_.path.c_str(), flags, 0600));
    if (!fd_.valid()) return FailErrno("open " + options_.path, errno);
    struct stat info{};
    written_ = ::fstat(fd_.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
    return {};
  }

  Result<> Write(Signal signal, const Bytes& bytes) override {
    std::string record;
    if (options_.format == Encoding::kJson) {
      auto json = ToJson(signal, bytes);
      if (!json) return tl::unexpected(json.error());
      record = std::move(*json);
    } else {
      record = bytes.ToString();
    }
    const bool compressed = options_.compression != Compression::kIdentity;
    if (compressed) record = CompressBytes(options_.compression, Bytes(std::move(record)));
    if (compressed || options_.format == Encoding::kProto) {
      record = FrameOf(record);
    } else {
      record.push_back('\n');
    }
    std::lock_guard lock(mutex_);
    const std::uint64_t limit = options_.max_megabytes << 20;
    if (limit > 0 && written_ > 0 && written_ + record.size() > limit) {
      if (auto rotated = Rotate(); !rotated) return rotated;
    }
    if (!fd_.valid()) {
      if (auto opened = OpenFile(false); !opened) return opened;
    }
    return WriteAll(record);
  }

 private:
  // A record that could be written only in part is taken back, so that the next one starts on a
  // line of its own.
  Result<> WriteAll(std::string_view record) {
    const auto start = static_cast<off_t>(written_);
    while (!record.empty()) {
      const ssize_t n = ::write(fd_.get(), record.data(), record.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        if (::ftruncate(fd_.get(), start) == 0) written_ = static_cast<std::uint64_t>(start);
        return FailErrno("write " + options_.path, error);
      }
      written_ += static_cast<std::uint64_t>(n);
      record.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<> Rotate() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm date{};
    ::gmtime_r(&now.tv_sec, &date);
    const fs::path path(options_.path);
    const std::string stem = path.stem().string();
    const std::string name =
        fmt::format("{}-{:04}-{:02}-{:02}T{:02}-{:02}-{:02}.{:09}{}", stem, date.tm_year + 1900,
                    date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
                    now.tv_nsec, path.extension().string());
    fd_.reset();
    std::error_code error;
    fs::rename(path, path.parent_path() / name, error);
    if (error) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("rename {}: {}", options_.path, error.message()));
    }
    DeleteOldest(path, stem);
    return OpenFile(false);
  }

  void DeleteOldest(const fs::path& path, const std::string& stem) const {
    if (options_.max_backups == 0) return;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    std::vector<std::string> backups;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      // stem-YYYY-... and nothing that merely shares the prefix
      const bool ours = name.starts_with(stem + "-") && name.size() > stem.size() + 25 &&
                        name[stem.size() + 11] == 'T' &&
                        entry.path().extension() == path.extension();
      if (ours) backups.push_back(name);
    }
    std::sort(backups.begin(), backups.end());
    for (std::size_t i = 0; i + options_.max_backups < backups.size(); ++i) {
      fs::remove(folder / backups[i], error);
    }
  }

  const FileOptions options_;
  std::mutex mutex_;  // guards the file and written_
  UniqueFd fd_;
  std::uint64_t written_ = 0;
};

class FileSender : public Sender {
 public:
  explicit FileSender(std::shared_ptr<FileWriter> writer) : writer_(std::move(writer)) {}

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    auto written = writer_->Write(request.signal, request.bytes);
    if (written) {
      done({});
    } else {
      done(Outcome::Retry(written.error().message));
    }
  }

 private:
  std::shared_ptr<FileWriter> writer_;
};

}  // namespace

Result<std::shared_ptr<FileWriter>> FileWriter::Open(FileOptions options) {
  const bool truncate = !options.append && options.max_megabytes == 0;
  auto file = std::make_shared<RotatingFile>(std::move(options));
  if (auto opened = file->OpenFile(truncate); !opened) return tl::unexpected(opened.error());
  return file;
}

std::unique_ptr<Sender> CreateFileSender(std::shared_ptr<FileWriter> writer) {
  return std::make_unique<FileSender>(std::move(writer));
}

}  // namespace wirespan::gateway
