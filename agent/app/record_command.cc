#include <csignal>
#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"
#include "agent/app/local_capture.h"
#include "agent/app/pipeline.h"
#include "agent/app/recording.h"
#include "agent/app/report.h"
#include "agent/kernel/recorder.h"
#include "agent/kernel/rights.h"

namespace wirespan::app {

int RecordCommand(const RecordFlags& flags) {
  auto config = ConfigOf(flags.config);
  if (!config) return ReportError(config.error());
  ApplyLogging(*config);
  auto signals = SignalWaiter::Create({SIGTERM, SIGINT});
  if (!signals) return ReportError(signals.error());
  const Clock& clock = SystemClock();
  kernel::RecorderOptions options;
  options.max_bytes = flags.max_bytes;
  options.raw = flags.raw;
  options.head.realtime_offset_ns =
      static_cast<std::int64_t>(clock.realtime_ns() - clock.monotonic_ns());
  const auto node = Pipeline::NodeIdentityNow();
  options.head.boot_id = node.boot_id;
  options.head.run_id = node.run_id;
  // Before the file is made: what can't capture leaves no empty one behind.
  if (auto ground = kernel::CheckGround(); !ground) return ReportError(ground.error());
  auto recorder = kernel::Recorder::Create(flags.file, options);
  if (!recorder) return ReportError(recorder.error());
  auto source = kernel::LiveSource::Create(CaptureOptionsOf(*config));
  if (!source) return ReportError(source.error());
  telemetry::Registry registry;
  RecordingHandler handler(*config, **source, **recorder, registry);

  const auto end = clock.monotonic_ns() +
                   static_cast<std::uint64_t>(std::chrono::nanoseconds(flags.duration).count());
  std::cerr << "recording to " << flags.file << ", Ctrl-C ends it\n";
  while (!signals->WaitFor(std::chrono::milliseconds(0)) && !(*recorder)->full() &&
         (flags.duration.count() == 0 || clock.monotonic_ns() < end)) {
    if (auto polled = (*source)->Poll(handler, std::chrono::milliseconds(50)); !polled) {
      return ReportError(polled.error());
    }
    handler.Tick(clock.monotonic_ns());
  }
  // What happened before the signal is in the rings at most.
  static_cast<void>((*source)->Poll(handler, std::chrono::milliseconds(0)));
  if (auto finished = (*recorder)->Finish(); !finished) return ReportError(finished.error());
  std::cerr << (*recorder)->events_written() << " events (" << (*recorder)->bytes_written()
            << " bytes) written, " << (*recorder)->events_dropped() << " dropped"
            << ((*recorder)->full() ? " (the file has reached --max-bytes)" : "") << "\n";
  return kExitOk;
}

}  // namespace wirespan::app
