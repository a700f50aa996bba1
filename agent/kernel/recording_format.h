#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/connection/event.h"

// Events as bytes of a recording: docs/format/recording.md. Pure; integers are little-endian
// whatever the machine.
namespace wirespan::kernel {

inline constexpr std::string_view kRecordingMagic = "WSPNREC1";
inline constexpr std::uint32_t kRecordingVersion = 1;
inline constexpr std::size_t kRecordingHeadBytes =
    24;  // magic, version, 4 bytes of 0, offset of the clocks
inline constexpr std::size_t kRecordingFrameBytes = 8;  // before each record: size and checksum
inline constexpr std::size_t kRecordingRecordMax = 1u << 20;

std::string EncodeRecordingHead(std::int64_t realtime_offset_ns);
// False: not a recording, or of another version.
bool DecodeRecordingHead(std::string_view bytes, std::int64_t& realtime_offset_ns);

// Appends the event, framed.
void EncodeRecordingEvent(const connection::Event& event, std::string& out);
std::uint32_t RecordingChecksum(std::string_view record);
// A record without its frame. False: not one that this version knows. Views of `event` point into
// `record`.
bool DecodeRecordingEvent(std::string_view record, connection::Event& event);

}  // namespace wirespan::kernel
