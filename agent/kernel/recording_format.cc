#include "agent/kernel/recording_format.h"

#include <algorithm>
#include <type_traits>

#include "common/base/hash.h"

namespace wirespan::kernel {
namespace {

using connection::Endpoint;

enum Kind : std::uint8_t {
  kOpen = 1,
  kData = 2,
  kClose = 3,
  kTls = 4,
  kExecBefore3 = 5,  // with a number of its control group that said nothing
  kExit = 6,
  kProcess = 7,
  kFrames = 8,
  kExec = 9
};
constexpr std::uint64_t kFrameHeaderBytes = 9;  // RFC 9113, 4.1
enum ValueKind : std::uint8_t { kText = 0, kNumber = 1, kTexts = 2 };

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  template <class T>
    requires std::is_integral_v<T>
  void Put(T value) {
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      out_.push_back(static_cast<char>(bits & 0xff));
      if constexpr (sizeof(T) > 1) bits >>= 8;
    }
  }
  void PutText(std::string_view text) {
    Put(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void PutEndpoint(const Endpoint& endpoint) {
    Put(static_cast<std::uint8_t>(endpoint.family));
    Put(endpoint.port);
    out_.append(reinterpret_cast<const char*>(endpoint.ip.data()), endpoint.ip.size());
    PutText(endpoint.path);
  }

 private:
  std::string& out_;
};

// Reads past the end give zeros and remember it.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  template <class T>
  T Get() {
    if (in_.size() < sizeof(T)) return Failed(), T{};
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(in_[i])) << (8 * i);
    }
    in_.remove_prefix(sizeof(T));
    return static_cast<T>(bits);
  }
  std::string_view GetText() {
    const auto size = Get<std::uint32_t>();
    if (size > in_.size()) return Failed(), std::string_view{};
    const std::string_view text = in_.substr(0, size);
    in_.remove_prefix(size);
    return text;
  }
  Endpoint GetEndpoint() {
    Endpoint endpoint{};
    const auto family = Get<std::uint8_t>();
    if (family > static_cast<std::uint8_t>(connection::Family::kUnix)) Failed();
    endpoint.family = static_cast<connection::Family>(ok_ ? family : 0);
    endpoint.port = Get<std::uint16_t>();
    for (auto& byte : endpoint.ip) byte = Get<std::uint8_t>();
    endpoint.path = GetText();
    return endpoint;
  }
  bool ok() const { return ok_; }
  // Everything read, nothing left.
  bool Done() const { return ok_ && in_.empty(); }

 private:
  void Failed() {
    ok_ = false;
    in_ = {};
  }
  std::string_view in_;
  bool ok_ = true;
};

std::uint8_t Bits(std::initializer_list<bool> flags) {
  std::uint8_t bits = 0, bit = 1;
  for (const bool flag : flags) {
    if (flag) bits |= bit;
    bit = static_cast<std::uint8_t>(bit << 1);
  }
  return bits;
}

void Encode(const connection::OpenEvent& e, Writer& w) {
  w.Put(std::uint8_t{kOpen});
  w.Put(e.conn.cookie);
  w.Put(e.ts_ns);
  w.Put(e.pid);
  w.Put(e.tid);
  w.Put(e.netns);
  w.Put(static_cast<std::uint8_t>(e.opener));
  w.Put(Bits({e.wire_known, e.joined_late}));
  w.Put(e.local_isn);
  w.Put(e.remote_isn);
  w.Put(e.peer_cookie);
  w.PutEndpoint(e.local);
  w.PutEndpoint(e.remote);
}

void Encode(const connection::DataEvent& e, Writer& w) {
  const bool run = e.run.frames != 0;
  w.Put(static_cast<std::uint8_t>(run ? kFrames : kData));
  w.Put(e.conn.cookie);
  w.Put(e.ts_ns);
  w.Put(e.start_ns);
  w.Put(e.pid);
  w.Put(e.tid);
  w.Put(static_cast<std::uint8_t>(e.direction));
  w.Put(Bits({e.wire_exact, e.no_buffer, e.frame_start, e.header_count.has_value()}));
  w.Put(e.offset);
  w.Put(e.end_offset);
  if (run) {
    w.Put(e.run.stream);
    w.Put(e.run.frames);
    w.Put(e.run.payload);
  } else {
    w.PutText(e.captured);
  }
  if (e.header_count) {
    w.Put(e.header_count->added);
    w.Put(e.header_count->uncounted);
  }
}

void Encode(const connection::CloseEvent& e, Writer& w) {
  w.Put(std::uint8_t{kClose});
  w.Put(e.conn.cookie);
  w.Put(e.ts_ns);
  w.Put(Bits({e.read_ended, e.write_ended, e.gone, e.reset}));
  w.Put(e.read_end_offset);
  w.Put(e.write_end_offset);
}

void Encode(const connection::TlsEvent& e, Writer& w) {
  w.Put(std::uint8_t{kTls});
  w.Put(e.conn.cookie);
  w.Put(e.ts_ns);
  w.Put(e.pid);
  w.Put(static_cast<std::uint8_t>(e.direction));
  w.PutText(e.hello);
}

void Encode(const connection::ExecEvent& e, Writer& w) {
  w.Put(std::uint8_t{kExec});
  w.Put(e.ts_ns);
  w.Put(e.pid);
  w.Put(e.parent_pid);
  w.PutText(e.groups);
  w.PutText(e.filename);
  w.PutText(e.arguments);
}

void Encode(const connection::ExitEvent& e, Writer& w) {
  w.Put(std::uint8_t{kExit});
  w.Put(e.ts_ns);
  w.Put(e.pid);
}

bool GetDirection(Reader& r, connection::Direction& direction) {
  const auto value = r.Get<std::uint8_t>();
  direction = value == 1 ? connection::Direction::kWrite : connection::Direction::kRead;
  return value <= 1;
}

}  // namespace

std::string EncodeRecordingHead(const RecordingHead& head) {
  std::string bytes(kRecordingMagic);
  Writer writer(bytes);
  writer.Put(kRecordingVersion);
  writer.Put(std::uint32_t{0});
  writer.Put(head.realtime_offset_ns);
  for (const auto byte : head.boot_id) writer.Put(byte);
  writer.Put(head.run_id);
  return bytes;
}

bool DecodeRecordingHead(std::string_view bytes, RecordingHead& head) {
  if (bytes.size() < kRecordingHeadBytes ||
      bytes.substr(0, kRecordingMagic.size()) != kRecordingMagic)
    return false;
  Reader reader(bytes.substr(kRecordingMagic.size(), kRecordingHeadBytes - kRecordingMagic.size()));
  const auto version = reader.Get<std::uint32_t>();
  (void)reader.Get<std::uint32_t>();
  head.realtime_offset_ns = reader.Get<std::int64_t>();
  for (auto& byte : head.boot_id) byte = reader.Get<std::uint8_t>();
  head.run_id = reader.Get<std::uint64_t>();
  return version >= 1 && version <= kRecordingVersion;
}

std::uint32_t RecordingChecksum(std::string_view record) {
  return static_cast<std::uint32_t>(Hash64(record));
}

namespace {

void Frame(const std::string& record, std::string& out) {
  Writer frame(out);
  frame.Put(static_cast<std::uint32_t>(record.size()));
  frame.Put(RecordingChecksum(record));
  out += record;
}

}  // namespace

void EncodeRecordingEvent(const connection::Event& event, std::string& out) {
  std::string record{};
  Writer body(record);
  std::visit([&](const auto& e) { Encode(e, body); }, event);
  Frame(record, out);
}

void EncodeRecordingProcess(const RecordedProcess& process, std::string& out) {
  std::string record{};
  Writer body(record);
  body.Put(std::uint8_t{kProcess});
  body.Put(process.pid);
  body.Put(Bits({process.instrumented}));
  body.PutText(process.service_name);
  body.Put(static_cast<std::uint32_t>(process.attributes.size()));
  for (const auto& [key, value] : process.attributes) {
    body.PutText(key);
    body.Put(static_cast<std::uint8_t>(value.index()));
    if (const auto* text = std::get_if<std::string>(&value)) {
      body.PutText(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      body.Put(*number);
    } else {
      const auto& texts = std::get<std::vector<std::string>>(value);
      body.Put(static_cast<std::uint32_t>(texts.size()));
      for (const auto& part : texts) body.PutText(part);
    }
  }
  Frame(record, out);
}

bool IsRecordingProcess(std::string_view record) {
  return !record.empty() && record.front() == static_cast<char>(kProcess);
}

bool DecodeRecordingProcess(std::string_view record, RecordedProcess& process) {
  Reader r(record);
  if (r.Get<std::uint8_t>() != kProcess) return false;
  process = RecordedProcess{};
  process.pid = r.Get<std::uint32_t>();
  process.instrumented = r.Get<std::uint8_t>() & 1;
  process.service_name = r.GetText();
  // A count is believed only as far as the record's bytes go: a failed read ends the loops.
  for (auto left = r.Get<std::uint32_t>(); left > 0 && r.ok(); --left) {
    std::string key(r.GetText());
    RecordedProcess::Value value{};
    switch (r.Get<std::uint8_t>()) {
      case kText:
        value = std::string(r.GetText());
        break;
      case kNumber:
        value = r.Get<std::int64_t>();
        break;
      case kTexts: {
        std::vector<std::string> texts;
        for (auto parts = r.Get<std::uint32_t>(); parts > 0 && r.ok(); --parts) {
          texts.emplace_back(r.GetText());
        }
        value = std::move(texts);
        break;
      }
      default:
        return false;
    }
    process.attributes.emplace_back(std::move(key), std::move(value));
  }
  return r.Done();
}

bool DecodeRecordingEvent(std::string_view record, connection::Event& event) {
  Reader r(record);
  bool sane = true;
  const auto kind = r.Get<std::uint8_t>();
  switch (kind) {
    case kOpen: {
      connection::OpenEvent e{};
      e.conn.cookie = r.Get<std::uint64_t>();
      e.ts_ns = r.Get<std::uint64_t>();
      e.pid = r.Get<std::uint32_t>();
      e.tid = r.Get<std::uint32_t>();
      e.netns = r.Get<std::uint32_t>();
      const auto opener = r.Get<std::uint8_t>();
      sane = opener <= static_cast<std::uint8_t>(connection::Opener::kRemote);
      if (sane) e.opener = static_cast<connection::Opener>(opener);
      const auto flags = r.Get<std::uint8_t>();
      e.wire_known = flags & 1;
      e.joined_late = flags & 2;
      e.local_isn = r.Get<std::uint32_t>();
      e.remote_isn = r.Get<std::uint32_t>();
      e.peer_cookie = r.Get<std::uint64_t>();
      e.local = r.GetEndpoint();
      e.remote = r.GetEndpoint();
      event = std::move(e);
      break;
    }
    case kData:
    case kFrames: {
      connection::DataEvent e{};
      e.conn.cookie = r.Get<std::uint64_t>();
      e.ts_ns = r.Get<std::uint64_t>();
      e.start_ns = r.Get<std::uint64_t>();
      e.pid = r.Get<std::uint32_t>();
      e.tid = r.Get<std::uint32_t>();
      sane = GetDirection(r, e.direction);
      const auto flags = r.Get<std::uint8_t>();
      e.wire_exact = flags & 1;
      e.no_buffer = flags & 2;
      e.frame_start = flags & 4;
      e.offset = r.Get<std::uint64_t>();
      e.end_offset = r.Get<std::uint64_t>();
      sane = sane && e.end_offset >= e.offset;
      if (kind == kFrames) {
        e.run.stream = r.Get<std::uint32_t>();
        e.run.frames = r.Get<std::uint32_t>();
        e.run.payload = r.Get<std::uint64_t>();
        sane = sane && e.run.frames != 0 &&
               e.end_offset - e.offset == e.run.payload + kFrameHeaderBytes * e.run.frames;
      } else {
        e.captured = r.GetText();
        sane = sane && e.captured.size() <= e.end_offset - e.offset;
      }
      if (flags & 8) {
        const auto added = r.Get<std::uint32_t>();
        e.header_count = {added, r.Get<std::uint32_t>()};
      }
      event = e;
      break;
    }
    case kClose: {
      connection::CloseEvent e{};
      e.conn.cookie = r.Get<std::uint64_t>();
      e.ts_ns = r.Get<std::uint64_t>();
      const auto flags = r.Get<std::uint8_t>();
      e.read_ended = flags & 1;
      e.write_ended = flags & 2;
      e.gone = flags & 4;
      e.reset = flags & 8;
      e.read_end_offset = r.Get<std::uint64_t>();
      e.write_end_offset = r.Get<std::uint64_t>();
      event = e;
      break;
    }
    case kTls: {
      connection::TlsEvent e{};
      e.conn.cookie = r.Get<std::uint64_t>();
      e.ts_ns = r.Get<std::uint64_t>();
      e.pid = r.Get<std::uint32_t>();
      sane = GetDirection(r, e.direction);
      e.hello = r.GetText();
      event = e;
      break;
    }
    case kExecBefore3:
    case kExec: {
      connection::ExecEvent e{};
      e.ts_ns = r.Get<std::uint64_t>();
      e.pid = r.Get<std::uint32_t>();
      e.parent_pid = r.Get<std::uint32_t>();
      if (kind == kExec) {
        e.groups = r.GetText();
      } else {
        (void)r.Get<std::uint64_t>();
      }
      e.filename = r.GetText();
      e.arguments = r.GetText();
      event = e;
      break;
    }
    case kExit: {
      connection::ExitEvent e{};
      e.ts_ns = r.Get<std::uint64_t>();
      e.pid = r.Get<std::uint32_t>();
      event = e;
      break;
    }
    default:
      return false;
  }
  return sane && r.Done();
}

}  // namespace wirespan::kernel
