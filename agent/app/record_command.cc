#include <csignal>
#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"
#include "agent/app/local_capture.h"
#include "agent/app/report.h"
#include "agent/kernel/recorder.h"

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
  options.realtime_offset_ns = static_cast<std::int64_t>(clock.realtime_ns() - clock.monotonic_ns());
  auto recorder = kernel::Recorder::Create(flags.file, options);
  if (!recorder) return ReportError(recorder.error());
  auto source = kernel::LiveSource::Create(CaptureOptionsOf(*config));
  if (!source) return ReportError(source.error());

  const auto end = clock.monotonic_ns() + static_cast<std::uint64_t>(std::chrono::nanoseconds(flags.duration).count());
  std::cerr << "recording to " << flags.file << ", Ctrl-C ends it\n";
  while (!signals->WaitFor(std::chrono::milliseconds(0)) && !(*recorder)->full() &&
         (flags.duration.count() == 0 || clock.monotonic_ns() < end)) {
    if (auto polled = (*source)->Poll(**recorder, std::chrono::milliseconds(50)); !polled) {
      return ReportError(polled.error());
    }
  }
  if (auto finished = (*recorder)->Finish(); !finished) return ReportError(finished.error());
  std::cerr << (*recorder)->events_written() << " events written, " << (*recorder)->events_dropped()
            << " dropped" << ((*recorder)->full() ? " (the file has reached --max-bytes)" : "") << "\n";
  return kExitOk;
}

}  // namespace wirespan::app
