#include "agent/app/handover.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "agent/app/successor.h"
#include "common/base/hash.h"
#include "common/telemetry/log.h"

namespace wirespan::app {

std::string HandoverDirectory(const Config& config) {
  if (config.capture.handover.count() == 0 || config.control_socket.empty()) return "";
  return fmt::format("{}/{:016x}", kHandoverRoot, Hash64(config.control_socket));
}

std::unique_ptr<kernel::LeftBehind> FindLeftBehind(const Config& config) {
  const std::string directory = HandoverDirectory(config);
  if (directory.empty()) return nullptr;
  return kernel::LeftBehind::Open(directory, static_cast<std::uint32_t>(getpid()));
}

void TakeOver(kernel::LeftBehind& left, kernel::LiveSource& source, Pipeline& pipeline) {
  const std::size_t connections = pipeline.Restore(left.state());
  std::uint64_t events = left.Drain(pipeline);
  left.Release();
  events += left.Drain(pipeline);
  source.NoteTakenOver(events);
  log::Info("capture: took over from the agent before: {} connections, {} events meanwhile",
            connections, events);
}

void LeaveBehind(const Config& config, kernel::LiveSource& source, Pipeline& pipeline) {
  const std::string directory = HandoverDirectory(config);
  if (directory.empty()) return;
  const std::string nobody = WhyNobodyComes(
      config.kubernetes, [](const char* name) { return std::getenv(name); },
      [&] { static_cast<void>(source.Poll(pipeline, std::chrono::milliseconds(0))); });
  if (!nobody.empty()) {
    log::Info("capture: nothing is left for the next agent: {}", nobody);
    return;
  }
  mkdir(kHandoverRoot, 0700);  // where it can't be made, the next step says so
  const auto hold = std::chrono::ceil<std::chrono::seconds>(config.capture.handover);
  if (auto left = source.LeaveBehind(directory, pipeline.Save(), hold); !left) {
    log::Info("capture: nothing is left for the next agent: {}", left.error().message);
    return;
  }
  log::Info("capture: the next agent may take over within {} s", hold.count());
}

}  // namespace wirespan::app
