#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/otlp/compress.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/rates/window_codec.h"

// One file of rates (docs/format/store.md): the cells of the logs `first` to `last`, and notes that
// the store wants to find again (see RedLedger), which stand where the window of 1970 would.
//
//   header (40)  window*  index  footer (40)
namespace wirespan::gateway::store::rates {

inline constexpr std::uint16_t kRatesVersion = 2;
inline constexpr std::size_t kRatesHeaderBytes = 40;
inline constexpr std::size_t kRatesFooterBytes = 40;

struct LogRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool Holds(const LogRange& other) const { return first <= other.first && last >= other.last; }
  friend auto operator<=>(const LogRange&, const LogRange&) = default;
};

// "<16 hex digits>-<16 hex digits>.rates"
std::string RatesFileName(const LogRange& logs);
bool ParseRatesFileName(std::string_view file, LogRange& logs);  // false: another file

struct WindowPlace {
  std::uint64_t window_s = 0;
  std::uint64_t at = 0;
  std::uint32_t bytes = 0;
  std::uint32_t plain_bytes = 0;
  std::uint64_t check = 0;
};

// Writes one from front to end. Windows come in ascending order.
class RateFileWriter {
 public:
  // Asked before bytes are written; an error ends the writing.
  using Reserve = std::function<Result<>(std::uint64_t bytes)>;

  RateFileWriter(queue::DiskFile& file, const LogRange& logs, const Reserve& reserve)
      : file_(file), logs_(logs), reserve_(reserve) {}

  Result<> AddNotes(std::string_view notes);                     // before the first window
  Result<> Add(std::uint64_t window_s, std::string_view plain);  // of EncodeWindow
  // Index and footer, synced before the footer is written, and the footer too.
  Result<> Finish(bool sync);

 private:
  Result<> Append(std::string_view bytes);

  queue::DiskFile& file_;
  const LogRange logs_;
  const Reserve& reserve_;
  otlp::Compressor compressor_{};
  std::uint64_t at_ = 0;
  std::vector<WindowPlace> windows_{};
};

// A whole one. Thread-safe.
class RateFile {
 public:
  // kInvalidArgument: it is not whole, or damaged. kUnsupported: of a newer version.
  static Result<std::shared_ptr<const RateFile>> Open(std::unique_ptr<queue::DiskFile> file,
                                                      const LogRange& logs);

  const LogRange& logs() const { return logs_; }
  std::uint64_t bytes() const { return bytes_; }
  const std::vector<WindowPlace>& windows() const { return windows_; }  // ascending
  // Null: it has no such window.
  const WindowPlace* Find(std::uint64_t window_s) const;
  // False: damaged.
  bool Read(const WindowPlace& place, otlp::Decompressor& decompressor,
            const VisitCell& visit) const;
  // Empty if there are none. False: damaged.
  bool ReadNotes(otlp::Decompressor& decompressor, std::string& notes) const;

 private:
  explicit RateFile(std::unique_ptr<queue::DiskFile> file, const LogRange& logs)
      : file_(std::move(file)), logs_(logs) {}
  Result<> Load();
  bool ReadPlain(const WindowPlace& place, otlp::Decompressor& decompressor,
                 std::string& plain) const;
  bool ReadExactly(std::uint64_t at, std::uint64_t bytes, std::string& out) const;

  const std::unique_ptr<queue::DiskFile> file_;
  const LogRange logs_;
  std::uint64_t bytes_ = 0;
  std::optional<WindowPlace> notes_{};
  std::vector<WindowPlace> windows_{};
};

}  // namespace wirespan::gateway::store::rates
