#include "agent/app/left_state.h"

#include <algorithm>
#include <cstdint>

#include "agent/kernel/recording_format.h"

namespace wirespan::app {
namespace {

// size of the tables (8 bytes, low first), tables, then the opens as records of a recording:
//   size (4), checksum (4), record
constexpr std::size_t kSizeBytes = 8;

std::uint64_t ReadLow(std::string_view bytes, std::size_t n) {
  std::uint64_t value = 0;
  for (std::size_t i = n; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

}  // namespace

std::string EncodeLeftState(const LeftState& state, std::size_t max_bytes) {
  const std::string tables =
      connection::SerializeHandover(state.tables, max_bytes - std::min(max_bytes, kSizeBytes));
  std::string out;
  for (std::size_t i = 0; i < kSizeBytes; ++i)
    out.push_back(static_cast<char>(tables.size() >> (8 * i)));
  out += tables;
  for (const connection::OpenEvent& open : state.opens) {
    const std::size_t before = out.size();
    kernel::EncodeRecordingEvent(open, out);
    if (out.size() > max_bytes) {
      out.resize(before);
      break;
    }
  }
  return out;
}

std::optional<LeftState> DecodeLeftState(std::string_view bytes) {
  if (bytes.size() < kSizeBytes) return std::nullopt;
  const std::uint64_t size = ReadLow(bytes, kSizeBytes);
  bytes.remove_prefix(kSizeBytes);
  if (size > bytes.size()) return std::nullopt;
  auto tables = connection::ParseHandover(bytes.substr(0, size));
  if (!tables) return std::nullopt;
  LeftState state;
  state.tables = std::move(*tables);
  bytes.remove_prefix(size);
  while (!bytes.empty()) {
    if (bytes.size() < kernel::kRecordingFrameBytes) return std::nullopt;
    const std::uint64_t length = ReadLow(bytes, 4);
    const std::uint64_t checksum = ReadLow(bytes.substr(4), 4);
    bytes.remove_prefix(kernel::kRecordingFrameBytes);
    if (length > bytes.size()) return std::nullopt;
    const std::string_view record = bytes.substr(0, length);
    connection::Event event;
    if (kernel::RecordingChecksum(record) != checksum ||
        !kernel::DecodeRecordingEvent(record, event)) {
      return std::nullopt;
    }
    auto* open = std::get_if<connection::OpenEvent>(&event);
    if (open == nullptr) return std::nullopt;
    state.opens.push_back(std::move(*open));
    bytes.remove_prefix(length);
  }
  return state;
}

}  // namespace wirespan::app
