#include "agent/kernel/replay_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/kernel/recording_format.h"
#include "common/base/unique_fd.h"

namespace wirespan::kernel {
namespace {

constexpr std::uint64_t kEventsAPoll = 4096;
constexpr std::size_t kReadBytes = 256u << 10;

// Bytes of a recording, a buffer at a time.
class Input {
 public:
  explicit Input(UniqueFd file) : file_(std::move(file)) {}
  explicit Input(std::string bytes) : buffer_(std::move(bytes)) {}

  // The next `size` bytes without taking them; fewer at the end. Valid until the next call.
  std::string_view Peek(std::size_t size) {
    if (buffer_.size() - at_ < size && file_.valid()) Fill(size);
    return std::string_view(buffer_).substr(at_, size);
  }
  void Take(std::size_t size) { at_ += std::min(size, buffer_.size() - at_); }

 private:
  void Fill(std::size_t size) {
    buffer_.erase(0, std::exchange(at_, 0));
    while (buffer_.size() < size && file_.valid()) {
      const std::size_t had = buffer_.size();
      buffer_.resize(had + kReadBytes);
      ssize_t n = 0;
      do {
        n = ::read(file_.get(), buffer_.data() + had, kReadBytes);
      } while (n < 0 && errno == EINTR);
      buffer_.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
      if (n <= 0) file_.reset();
    }
  }
  UniqueFd file_{};
  std::string buffer_{};
  std::size_t at_ = 0;
};

std::uint32_t Load32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

class Replay : public ReplaySource {
 public:
  Replay(Input input, const RecordingHead& head) : input_(std::move(input)), head_(head) {}

  Result<std::uint64_t> Poll(connection::EventHandler& handler,
                             std::chrono::milliseconds) override {
    std::uint64_t count = 0;
    connection::Event event{};
    while (count < kEventsAPoll) {
      const std::string_view frame = input_.Peek(kRecordingFrameBytes);
      if (frame.size() < kRecordingFrameBytes) return End(count, frame.size());
      const std::uint32_t size = Load32(frame), checksum = Load32(frame.substr(4));
      if (size > kRecordingRecordMax) {
        // The chain of sizes is broken: nothing behind it can be trusted.
        broken_ = true;
        return End(count, 1);
      }
      const std::string_view whole = input_.Peek(kRecordingFrameBytes + size);
      const std::string_view record = whole.substr(kRecordingFrameBytes);
      if (record.size() < size) {
        input_.Take(whole.size());
        return End(count, whole.size());
      }
      const bool whole_record = RecordingChecksum(record) == checksum;
      if (whole_record && IsRecordingProcess(record)) {
        RecordedProcess process{};
        if (!DecodeRecordingProcess(record, process)) {
          ++damaged_;
        } else if (on_process_) {
          on_process_(std::move(process));
        }
      } else if (whole_record && DecodeRecordingEvent(record, event)) {
        handler.OnEvent(event);
        ++count;
      } else {
        ++damaged_;
      }
      input_.Take(kRecordingFrameBytes + size);
      if (++since_poll_ > 16 * kEventsAPoll && count == 0)
        break;  // nothing but damage: let the caller breathe
    }
    since_poll_ = 0;
    delivered_ += count;
    return count;
  }

  SourceStatus Status() override {
    SourceStatus status{};
    status.backend = "replay";
    status.attached = true;
    status.counts = {KernelCount{"delivered", "", delivered_, 0},
                     KernelCount{"dropped", "damaged", damaged_, 0}};
    return status;
  }

  const RecordingHead& head() const override { return head_; }
  void SetProcessHandler(std::function<void(RecordedProcess)> handler) override {
    on_process_ = std::move(handler);
  }
  std::uint64_t damaged() const override { return damaged_; }
  bool cut() const override { return cut_; }

 private:
  Result<std::uint64_t> End(std::uint64_t count, std::size_t left) {
    if (left > 0 && !ended_) {
      ++damaged_;
      cut_ = true;
    }
    ended_ = true;
    if (!broken_) input_.Take(left);
    delivered_ += count;
    if (count > 0) return count;
    return Fail(ErrorCode::kCancelled, "the recording ended");
  }

  Input input_;
  RecordingHead head_;
  std::function<void(RecordedProcess)> on_process_{};
  bool cut_ = false;
  std::uint64_t delivered_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t since_poll_ = 0;
  bool ended_ = false;
  bool broken_ = false;
};

Result<std::unique_ptr<ReplaySource>> Begin(Input input) {
  RecordingHead head{};
  if (!DecodeRecordingHead(input.Peek(kRecordingHeadBytes), head)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("not a wirespan recording of version 1 to {}", kRecordingVersion));
  }
  input.Take(kRecordingHeadBytes);
  return std::make_unique<Replay>(std::move(input), head);
}

}  // namespace

Result<std::unique_ptr<ReplaySource>> ReplaySource::Open(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return FailErrno(fmt::format("open the recording {}", path), errno);
  auto source = Begin(Input(std::move(file)));
  if (!source) return Wrap(path, std::move(source.error()));
  return source;
}

Result<std::unique_ptr<ReplaySource>> ReplaySource::FromBytes(std::string bytes) {
  return Begin(Input(std::move(bytes)));
}

}  // namespace wirespan::kernel
