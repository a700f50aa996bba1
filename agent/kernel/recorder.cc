#include "agent/kernel/recorder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/kernel/header_mask.h"
#include "agent/kernel/recording_format.h"
#include "common/base/unique_fd.h"

namespace wirespan::kernel {
namespace {

constexpr std::size_t kBufferBytes = 256u << 10;

class FileRecorder : public Recorder {
 public:
  FileRecorder(UniqueFd file, std::string path, const RecorderOptions& options)
      : file_(std::move(file)), path_(std::move(path)), options_(options) {
    buffer_ = EncodeRecordingHead(options.head);
    size_ = buffer_.size();
  }
  ~FileRecorder() override { (void)Finish(); }

  void OnEvent(const connection::Event& event) override {
    if (full_ || error_ != 0) {
      ++dropped_;
      return;
    }
    const std::size_t before = buffer_.size();
    const auto* data = std::get_if<connection::DataEvent>(&event);
    if (data != nullptr && !options_.raw) {
      std::string masked(data->captured);
      mask_.Apply(*data, masked);
      connection::DataEvent copy = *data;
      copy.captured = masked;
      copy.header_count.reset();  // or a replay could take a masked value for one that is known
      EncodeRecordingEvent(copy, buffer_);
    } else if (const auto* exec = std::get_if<connection::ExecEvent>(&event);
               exec != nullptr && !options_.raw) {
      connection::ExecEvent copy = *exec;
      copy.arguments = {};
      EncodeRecordingEvent(copy, buffer_);
    } else {
      const auto* close = std::get_if<connection::CloseEvent>(&event);
      if (close != nullptr && close->gone) mask_.Forget(close->conn);
      EncodeRecordingEvent(event, buffer_);
    }
    if (Keep(before))
      ++written_;
    else
      ++dropped_;
  }

  void OnProcess(const RecordedProcess& process) override {
    if (full_ || error_ != 0) return;
    const std::size_t before = buffer_.size();
    EncodeRecordingProcess(process, buffer_);
    static_cast<void>(Keep(before));
  }

  Result<> Finish() override {
    Write();
    if (error_ != 0) return FailErrno(fmt::format("write the recording {}", path_), error_);
    return {};
  }
  std::uint64_t bytes_written() const override { return size_; }
  std::uint64_t events_written() const override { return written_; }
  std::uint64_t events_dropped() const override { return dropped_; }
  bool full() const override { return full_; }

 private:
  // What was appended to the buffer since `before` stays if the file may hold it.
  bool Keep(std::size_t before) {
    const std::size_t added = buffer_.size() - before;
    if (size_ + added > options_.max_bytes) {
      buffer_.resize(before);
      full_ = true;
      return false;
    }
    size_ += added;
    if (buffer_.size() >= kBufferBytes) Write();
    return true;
  }
  void Write() {
    std::string_view left = buffer_;
    while (!left.empty() && error_ == 0) {
      const ssize_t n = ::write(file_.get(), left.data(), left.size());
      if (n > 0) {
        left.remove_prefix(static_cast<std::size_t>(n));
      } else if (n < 0 && errno != EINTR) {
        error_ = errno;
      }
    }
    buffer_.clear();
  }

  UniqueFd file_;
  std::string path_;
  RecorderOptions options_;
  HeaderMask mask_{};
  std::string buffer_{};
  std::uint64_t size_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t dropped_ = 0;
  bool full_ = false;
  int error_ = 0;
};

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::Create(const std::string& path,
                                                   const RecorderOptions& options) {
  if (options.max_bytes < kRecordingHeadBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--max-bytes {} is less than the {} bytes of a recording's head",
                            options.max_bytes, kRecordingHeadBytes));
  }
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return FailErrno(fmt::format("create the recording {}", path), errno);
  return std::make_unique<FileRecorder>(std::move(file), path, options);
}

}  // namespace wirespan::kernel
