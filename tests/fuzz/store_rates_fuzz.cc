// A file of rates in any state, and a window alone: opening ends, nothing is read that is not
// there, and cells lie in their window and add up.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "gateway/sink/store/rates/rate_file.h"
#include "gateway/sink/store/rates/rate_table.h"

namespace {

using namespace wirespan;
using namespace wirespan::gateway::store::rates;

class BytesFile : public queue::DiskFile {
 public:
  explicit BytesFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<> Write(std::uint64_t, std::span<const std::string_view>) override { std::abort(); }
  Result<> Sync() override { std::abort(); }
  Result<> Truncate(std::uint64_t) override { std::abort(); }
  Result<std::uint64_t> Size() const override { return std::uint64_t{bytes_.size()}; }
  Result<std::size_t> Read(std::uint64_t at, char* out, std::size_t size) const override {
    return at >= bytes_.size() ? 0 : bytes_.copy(out, size, at);
  }

 private:
  const std::string bytes_;
};

constexpr std::uint64_t kWindow = 1'700'000'400;

void CheckCell(std::uint64_t window_s, CellTime time, const Cell& cell) {
  if (time.start_s < window_s || time.start_s + time.width_s > window_s + kWindowS) std::abort();
  std::uint16_t last = 0;
  for (const Durations::Entry& entry : cell.durations.entries()) {
    if (entry.bucket < last || entry.bucket > Durations::kLastBucket) std::abort();
    last = entry.bucket;
  }
  (void)cell.durations.PercentileNs(0.99);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  RateTable table(100);
  const bool sound =
      DecodeWindow(bytes, kWindow, [&](const SeriesKey& key, CellTime time, const Cell& cell) {
        CheckCell(kWindow, time, cell);
        table.Merge(table.For(key.type, key.service, key.name, key.kind), time, cell);
      });
  // What was read can be written and read again.
  if (sound && !DecodeWindow(EncodeWindow(table, kWindow), kWindow,
                             [](const SeriesKey&, CellTime, const Cell&) {})) {
    std::abort();
  }
  const auto file = RateFile::Open(std::make_unique<BytesFile>(bytes), {1, 1});
  if (!file) return 0;
  otlp::Decompressor decompressor;
  for (const WindowPlace& place : (*file)->windows()) {
    if (place.plain_bytes > 1u << 20) continue;  // time, not truth
    (void)(*file)->Read(place, decompressor,
                        [&](const SeriesKey&, CellTime time, const Cell& cell) {
                          CheckCell(place.window_s, time, cell);
                        });
  }
  return 0;
}
