#include "agent/kernel/decode.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "bpf/abi/event.h"

namespace wirespan::kernel {
namespace {

using connection::ConnectionId;
using connection::Direction;
using connection::Endpoint;
using connection::Family;

template <class T>
bool Read(std::string_view record, T& value) {
  if (record.size() < sizeof(T)) return false;
  std::memcpy(&value, record.data(), sizeof(T));
  return true;
}

Direction DirectionOf(const ws_event_header& header) {
  return header.direction == WS_WRITE ? Direction::kWrite : Direction::kRead;
}

Endpoint InetEndpoint(std::uint16_t family, const __u8* ip, std::uint16_t port) {
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  Endpoint endpoint{};
  endpoint.port = port;
  if (family == 2) {
    endpoint.family = Family::kInet;
    std::copy_n(ip, 4, endpoint.ip.begin());
  } else if (std::equal(std::begin(kMapped), std::end(kMapped), ip)) {
    endpoint.family = Family::kInet;
    std::copy_n(ip + 12, 4, endpoint.ip.begin());
  } else {
    endpoint.family = Family::kInet6;
    std::copy_n(ip, 16, endpoint.ip.begin());
  }
  return endpoint;
}

Endpoint UnixEndpoint(std::string_view path) {
  Endpoint endpoint{};
  endpoint.family = Family::kUnix;
  if (path.empty()) return endpoint;
  if (path[0] == '\0') {
    endpoint.path = "@";
    endpoint.path += path.substr(1);
  } else {
    endpoint.path = path.substr(0, path.find('\0'));
  }
  return endpoint;
}

bool DecodeOpen(std::string_view record, connection::Event& event) {
  ws_open open{};
  if (!Read(record, open)) return false;
  connection::OpenEvent out{};
  out.conn = ConnectionId{open.header.conn};
  out.ts_ns = open.header.ts_ns;
  out.pid = open.header.tgid;
  out.tid = open.header.tid;
  out.netns = open.netns;
  out.opener = open.opener == WS_OPENER_LOCAL    ? connection::Opener::kLocal
               : open.opener == WS_OPENER_REMOTE ? connection::Opener::kRemote
                                                 : connection::Opener::kUnknown;
  if (open.family == 2 || open.family == 10) {
    out.local = InetEndpoint(open.family, open.local_ip, open.local_port);
    out.remote = InetEndpoint(open.family, open.remote_ip, open.remote_port);
  } else if (open.family == 1) {
    if (record.size() != sizeof(open) + 2 * WS_UNIX_PATH) return false;
    if (open.local_path > WS_UNIX_PATH || open.remote_path > WS_UNIX_PATH) return false;
    out.local = UnixEndpoint(record.substr(sizeof(open), open.local_path));
    out.remote = UnixEndpoint(record.substr(sizeof(open) + WS_UNIX_PATH, open.remote_path));
    // A stream socket with a name of its own took the connection; the opener rarely binds.
    if (!out.local.path.empty() && out.remote.path.empty()) {
      out.opener = connection::Opener::kRemote;
    } else if (out.local.path.empty() && !out.remote.path.empty()) {
      out.opener = connection::Opener::kLocal;
    }
  } else {
    return false;
  }
  out.wire_known = open.header.flags & WS_OPEN_WIRE_KNOWN;
  if (out.wire_known) {
    out.local_isn = open.local_isn;
    out.remote_isn = open.remote_isn;
  }
  out.peer_cookie = open.peer_cookie;
  out.joined_late = open.header.flags & WS_OPEN_JOINED_LATE;
  event = std::move(out);
  return true;
}

bool DecodeData(std::string_view record, connection::Event& event) {
  ws_data data{};
  if (!Read(record, data)) return false;
  std::string_view captured = record.substr(sizeof(data));
  connection::DataEvent out{};
  if (data.header.flags & WS_DATA_COUNTED) {
    ws_counted_data counted{};
    if (!Read(record, counted)) return false;
    captured = record.substr(sizeof(counted));
    out.header_count = {counted.added, counted.uncounted};
  }
  if (data.end_offset < data.offset || captured.size() > data.end_offset - data.offset)
    return false;
  out.conn = ConnectionId{data.header.conn};
  out.ts_ns = data.header.ts_ns;
  out.pid = data.header.tgid;
  out.tid = data.header.tid;
  out.direction = DirectionOf(data.header);
  out.wire_exact = data.header.flags & WS_DATA_WIRE_EXACT;
  out.no_buffer = data.header.flags & WS_DATA_NO_BUFFER;
  out.frame_start = data.header.flags & WS_DATA_HTTP2;
  out.offset = data.offset;
  out.end_offset = data.end_offset;
  out.captured = captured;
  event = out;
  return true;
}

bool DecodeFrames(std::string_view record, connection::Event& event) {
  ws_frames frames{};
  if (record.size() != sizeof(frames) || !Read(record, frames)) return false;
  // The sums must agree: 9 octets a frame header (RFC 9113, 4.1).
  if (frames.frames == 0 || frames.end_offset < frames.offset ||
      frames.end_offset - frames.offset != frames.payload + std::uint64_t{9} * frames.frames)
    return false;
  connection::DataEvent out{};
  out.conn = ConnectionId{frames.header.conn};
  out.ts_ns = frames.header.ts_ns;
  out.pid = frames.header.tgid;
  out.tid = frames.header.tid;
  out.direction = DirectionOf(frames.header);
  out.wire_exact = frames.header.flags & WS_DATA_WIRE_EXACT;
  out.frame_start = true;
  out.run = {.stream = frames.stream, .frames = frames.frames, .payload = frames.payload};
  out.offset = frames.offset;
  out.end_offset = frames.end_offset;
  event = out;
  return true;
}

bool DecodeClose(std::string_view record, connection::Event& event) {
  ws_close close{};
  if (!Read(record, close)) return false;
  connection::CloseEvent out{};
  out.conn = ConnectionId{close.header.conn};
  out.ts_ns = close.header.ts_ns;
  out.read_ended = close.header.flags & WS_CLOSE_READ_ENDED;
  out.write_ended = close.header.flags & WS_CLOSE_WRITE_ENDED;
  out.gone = close.header.flags & WS_CLOSE_GONE;
  out.reset = close.header.flags & WS_CLOSE_RESET;
  out.read_end_offset = close.read_end;
  out.write_end_offset = close.write_end;
  event = out;
  return true;
}

bool DecodeExec(std::string_view record, connection::Event& event) {
  ws_exec exec{};
  if (!Read(record, exec)) return false;
  const std::string_view texts = record.substr(sizeof(exec));
  if (texts.size() != std::size_t{exec.groups_size} + exec.filename_size + exec.arguments_size)
    return false;
  connection::ExecEvent out{};
  out.ts_ns = exec.header.ts_ns;
  out.pid = exec.header.tgid;
  out.parent_pid = exec.parent_tgid;
  out.groups = texts.substr(0, exec.groups_size);
  out.filename = texts.substr(exec.groups_size, exec.filename_size);
  out.arguments = texts.substr(std::size_t{exec.groups_size} + exec.filename_size);
  event = out;
  return true;
}

}  // namespace

bool DecodeRecord(std::string_view record, connection::Event& event) {
  ws_event_header header{};
  if (!Read(record, header) || header.size != record.size()) return false;
  switch (header.kind) {
    case WS_EVENT_OPEN:
      return DecodeOpen(record, event);
    case WS_EVENT_DATA:
      return DecodeData(record, event);
    case WS_EVENT_FRAMES:
      return DecodeFrames(record, event);
    case WS_EVENT_CLOSE:
      return DecodeClose(record, event);
    case WS_EVENT_EXEC:
      return DecodeExec(record, event);
    case WS_EVENT_TLS: {
      connection::TlsEvent out{};
      out.conn = ConnectionId{header.conn};
      out.ts_ns = header.ts_ns;
      out.pid = header.tgid;
      out.direction = DirectionOf(header);
      out.hello = record.substr(sizeof(header));
      event = out;
      return true;
    }
    case WS_EVENT_EXIT: {
      connection::ExitEvent out{};
      out.ts_ns = header.ts_ns;
      out.pid = header.tgid;
      event = out;
      return true;
    }
    default:
      return false;
  }
}

}  // namespace wirespan::kernel
