// A recording from somebody else: whatever its bytes say, a replay ends, and what was decoded once
// is encoded alike.
#include <cstdint>
#include <cstdlib>

#include "agent/kernel/replay_source.h"

namespace {

using namespace wirespan;

struct EncodesAgain final : connection::EventHandler {
  void OnEvent(const connection::Event& event) override {
    std::string framed;
    kernel::EncodeRecordingEvent(event, framed);
    connection::Event again{};
    const auto record = std::string_view(framed).substr(kernel::kRecordingFrameBytes);
    if (!kernel::DecodeRecordingEvent(record, again) || again.index() != event.index())
      std::abort();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  EncodesAgain handler;
  if (auto source = kernel::ReplaySource::FromBytes(bytes)) {
    while ((*source)->Poll(handler, std::chrono::milliseconds(0))) {
    }
  }
  // Past frames and checksums, which chance does not find.
  connection::Event event{};
  if (kernel::DecodeRecordingEvent(bytes, event)) handler.OnEvent(event);
  kernel::RecordedProcess process{};
  if (kernel::DecodeRecordingProcess(bytes, process)) {
    std::string framed;
    kernel::EncodeRecordingProcess(process, framed);
    if (!kernel::DecodeRecordingProcess(
            std::string_view(framed).substr(kernel::kRecordingFrameBytes), process))
      std::abort();
  }
  return 0;
}
