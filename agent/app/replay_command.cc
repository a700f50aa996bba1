#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"
#include "agent/app/export_options.h"
#include "agent/app/pipeline.h"
#include "agent/app/recording.h"
#include "agent/app/report.h"
#include "agent/app/watch_hub.h"
#include "agent/app/watch_table.h"
#include "agent/export/exporter.h"
#include "agent/kernel/replay_source.h"

namespace wirespan::app {
namespace {

// The recording machine's clocks, standing at the last event.
class RecordedClock final : public Clock {
 public:
  explicit RecordedClock(std::int64_t offset_ns) : offset_ns_(offset_ns) {}
  std::uint64_t monotonic_ns() const override { return now_ns_; }
  std::uint64_t realtime_ns() const override {
    return now_ns_ + static_cast<std::uint64_t>(offset_ns_);
  }
  void Advance(std::uint64_t ns) { now_ns_ = std::max(now_ns_, ns); }

 private:
  std::int64_t offset_ns_;
  std::uint64_t now_ns_ = 0;
};

// Moves the clock with the events, and ticks the pipeline as a live agent would.
class ClockedHandler final : public connection::EventHandler {
 public:
  ClockedHandler(Pipeline& pipeline, RecordedClock& clock) : pipeline_(pipeline), clock_(clock) {}
  void OnEvent(const connection::Event& event) override {
    std::visit([&](const auto& e) { clock_.Advance(e.ts_ns); }, event);
    pipeline_.OnEvent(event);
    if (clock_.monotonic_ns() - ticked_ns_ < 50'000'000) return;
    ticked_ns_ = clock_.monotonic_ns();
    pipeline_.Tick();
  }

 private:
  Pipeline& pipeline_;
  RecordedClock& clock_;
  std::uint64_t ticked_ns_ = 0;
};

// What of the file could not be used; its spans are out by now.
int ReportDamage(const std::string& file, const kernel::ReplaySource& source) {
  if (source.damaged() == 0) return kExitOk;
  std::string sentence = file + ": ";
  if (source.cut()) {
    sentence += "the recording ends in the middle of a record; what came before it was replayed";
  } else if (source.damaged() == 1) {
    sentence += "1 damaged record was left out of the replay";
  } else {
    sentence += std::to_string(source.damaged()) + " damaged records were left out of the replay";
  }
  return ReportError({ErrorCode::kInvalidArgument, std::move(sentence)});
}

}  // namespace

int ReplayCommand(const ReplayFlags& flags) {
  auto config = ConfigOf(flags.config);
  if (!config) return ReportError(config.error());
  ApplyLogging(*config);
  auto source = kernel::ReplaySource::Open(flags.file);
  if (!source) return ReportError(source.error());

  telemetry::Registry registry;
  const kernel::RecordingHead& head = (*source)->head();
  RecordedClock clock(head.realtime_offset_ns);
  RecordedProcesses processes(config->traces.mode.mode, config->max_processes);
  (*source)->SetProcessHandler(
      [&](kernel::RecordedProcess process) { processes.Add(std::move(process)); });
  const Recorded recorded{.node = {.boot_id = head.boot_id, .run_id = head.run_id},
                          .processes = &processes};
  WatchHub hub(registry);
  std::unique_ptr<exporting::Exporter> exporter;
  if (flags.exporting) {
    auto options = ExporterOptionsOf(*config);
    if (!options) return ReportError(options.error());
    auto made = exporting::Exporter::Create(std::move(*options), SystemClock(), registry);
    if (!made) return ReportError(made.error());
    exporter = std::move(*made);
  }
  WatchTap tap(hub, exporter.get());
  auto pipeline = Pipeline::Create(*config, nullptr, tap, clock, registry, &recorded);
  if (!pipeline) return ReportError(pipeline.error());
  const TableStyle style;
  if (!flags.json) std::cout << TableHead(style) << "\n";
  hub.Subscribe(*WatchMatcher::Compile({}), [&](const WatchLine& line, const std::string& json) {
    std::cout << (flags.json ? json : TableRow(line, style)) << "\n";
    return true;
  });

  ClockedHandler handler(**pipeline, clock);
  for (;;) {
    auto polled = (*source)->Poll(handler, std::chrono::milliseconds(0));
    if (polled) continue;
    if (polled.error().code != ErrorCode::kCancelled) return ReportError(polled.error());
    break;
  }
  (*pipeline)->Flush();
  std::cout << std::flush;
  if (exporter && !exporter->Flush(config->exporting.shutdown_timeout)) {
    return ReportError({ErrorCode::kUnavailable, "not all spans could be sent in time"});
  }
  return ReportDamage(flags.file, **source);
}

}  // namespace wirespan::app
