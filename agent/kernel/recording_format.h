#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/connection/event.h"

// Events as bytes of a recording: docs/format/recording.md. Pure; integers are little-endian
// whatever the machine.
namespace wirespan::kernel {

inline constexpr std::string_view kRecordingMagic = "WSPNREC1";
inline constexpr std::uint32_t kRecordingVersion = 3;  // versions 1 and 2 are read too
inline constexpr std::size_t kRecordingHeadBytes = 48;
inline constexpr std::size_t kRecordingFrameBytes = 8;  // before each record: size and checksum
inline constexpr std::size_t kRecordingRecordMax = 1u << 20;

// What a recording says of the machine and the run that made it; ids of spans are made of it.
struct RecordingHead {
  std::int64_t realtime_offset_ns = 0;  // CLOCK_REALTIME minus CLOCK_MONOTONIC at its start
  std::array<std::uint8_t, 16> boot_id{};
  std::uint64_t run_id = 0;
};

// Who a process was, decided where it ran: a replay has no /proc to ask. It holds for the pid until
// the next such record of the pid.
struct RecordedProcess {
  using Value = std::variant<std::string, std::int64_t, std::vector<std::string>>;
  std::uint32_t pid = 0;
  bool instrumented = false;  // it reports spans of its own
  std::string service_name{};
  std::vector<std::pair<std::string, Value>> attributes{};  // of the resource
};

std::string EncodeRecordingHead(const RecordingHead& head);
// False: not a recording, or of another version.
bool DecodeRecordingHead(std::string_view bytes, RecordingHead& head);

void EncodeRecordingProcess(const RecordedProcess& process, std::string& out);
bool IsRecordingProcess(std::string_view record);
bool DecodeRecordingProcess(std::string_view record, RecordedProcess& process);

// Appends the event, framed.
void EncodeRecordingEvent(const connection::Event& event, std::string& out);
std::uint32_t RecordingChecksum(std::string_view record);
// A record without its frame. False: not one that this version knows. Views of `event` point into
// `record`.
bool DecodeRecordingEvent(std::string_view record, connection::Event& event);

}  // namespace wirespan::kernel
