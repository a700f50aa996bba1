// Agents' metrics as they come, as a log keeps them, and a ledger's notes: reading ends, what was
// read can be written and read again, and no exchange counts that no point told of.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "gateway/sink/store/rates/share.h"
#include "gateway/sink/store/red/red_ledger.h"

namespace {

using namespace wirespan::gateway::store;

constexpr std::uint64_t kNowNs = 1'700'000'000'000'000'000;

void Take(const std::vector<red::RedFamily>& families) {
  double told = 0;
  for (const red::RedFamily& family : families) {
    for (const red::RedPoint& point : family.points) {
      for (const auto& [bucket, count] : point.counts) told += static_cast<double>(count);
    }
  }
  red::RedLedger ledger({.families = 4, .groups = 4, .streams = 4});
  ledger.Begin(kNowNs);
  double counted = 0;
  // Twice: the second time all of it is late.
  for (int i = 0; i < 2; ++i) {
    ledger.Take(families, kNowNs, [&](const red::Residual& residual) {
      counted += static_cast<double>(residual.durations.count());
      rates::ForEachShare(residual.from_ns, residual.to_ns, residual.durations,
                          [](rates::CellTime time, const rates::Durations&) {
                            if (time.start_s % time.width_s != 0) std::abort();
                          });
    });
  }
  if (counted > told * 1.0001) std::abort();
  red::RedLedger loaded;
  if (!loaded.Load(ledger.TakeChanges())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const red::RedReport report = red::ReadRedReport(bytes);
  if (report.malformed + report.instrumented > report.points) std::abort();
  Take(report.families);
  const auto families = red::DecodeRedRecord(bytes);
  Take(families);
  const std::string record = red::EncodeRedRecord(report.families);
  if (!report.families.empty() && red::EncodeRedRecord(red::DecodeRedRecord(record)) != record) {
    std::abort();
  }
  red::RedLedger ledger;
  (void)ledger.Load(bytes);
  (void)red::RedLedger::Merge(std::span(&bytes, 1), kNowNs);
  ledger.Begin(kNowNs);
  Take(families);
  return 0;
}
