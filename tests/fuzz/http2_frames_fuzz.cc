// Sequences of frames with cuts, gaps, marks, runs and swaps, each step two bytes (what, how much)
// and what it takes of the rest. A reader keeps the order of its calls whatever comes; one that is
// given the same without marks tells the same frames however it is cut, and as long as nothing is
// missing those that nghttp2 reads.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocol/http2/frame_reader.h"
#include "tests/unit/agent/protocol/http2/wire.h"

using namespace wirespan;
using namespace wirespan::http2;
using testing::Listener;
using testing::PieceOf;

namespace {

struct Reader {
  explicit Reader(FrameReader::Begin begin) : reader(begin) {}
  FrameReader reader;
  Listener told{};
};

// Flags that mean something; nghttp2 takes the others off.
FrameHeader Meant(FrameHeader header) {
  switch (header.type) {
    case FrameType::kData:
      header.flags &= kEndStream | kPadded;
      break;
    case FrameType::kHeaders:
      header.flags &= kEndStream | kEndHeaders | kPadded | kPriorityFlag;
      break;
    case FrameType::kPushPromise:
      header.flags &= kEndHeaders | kPadded;
      break;
    case FrameType::kContinuation:
      header.flags &= kEndHeaders;
      break;
    case FrameType::kSettings:
    case FrameType::kPing:
      header.flags &= kAck;
      break;
    default:
      header.flags = 0;
  }
  return header;
}

// A server of nghttp2 that gets the same octets until some are missing, or it gives the connection
// up: frames of known types as it read their headers, and the contents of DATA where the stream is
// one.
class Oracle {
  struct Read {
    FrameHeader header;
    std::string data;
  };

 public:
  Oracle() {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) std::abort();
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    if (nghttp2_session_server_new(&session_, callbacks, this) != 0) std::abort();
    nghttp2_session_callbacks_del(callbacks);
  }
  ~Oracle() { nghttp2_session_del(session_); }
  Oracle(const Oracle&) = delete;

  void Feed(std::string_view octets) {
    if (over_ || octets.empty()) return;
    over_ = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(octets.data()),
                                     octets.size()) < 0;
  }
  void Stop() { over_ = true; }
  // It tells no DATA of a stream that it has given up. The last frame that it read may be one that
  // it refused, as we do, or is not over.
  void Compare(const Listener& told) const {
    std::size_t next = 0;
    for (const testing::Told& frame : told.frames) {
      if (next == frames_.size()) return;
      const Read& read = frames_[next];
      if (Meant(frame.header) != Meant(read.header)) {
        if (frame.header.type != FrameType::kData) std::abort();
        continue;
      }
      const bool over = ++next < frames_.size();
      if (read.data.empty()) continue;  // none, or of a stream that was refused
      const std::string_view contents = frame.contents;
      if (over ? contents != read.data : !contents.starts_with(read.data)) std::abort();
    }
    if (next + 1 < frames_.size() && !LostByPadding(told)) std::abort();
  }

 private:
  // The reader is lost behind a padding that can't be (RFC 9113, 6.1: an error of the connection).
  // nghttp2 does not look at that of a stream that it has given up.
  static bool LostByPadding(const Listener& told) {
    if (told.frames.empty() || told.lost == 0) return false;
    const testing::Told& last = told.frames.back();
    return last.header.type == FrameType::kData && last.header.has(kPadded) &&
           last.contents.empty();
  }
  static int OnHeader(nghttp2_session*, const nghttp2_frame_hd* header, void* self) {
    const FrameHeader read{static_cast<std::uint32_t>(header->length),
                           static_cast<FrameType>(header->type), header->flags,
                           static_cast<std::uint32_t>(header->stream_id)};
    if (read.known()) static_cast<Oracle*>(self)->frames_.push_back({read, {}});
    return 0;
  }
  static int OnData(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data,
                    std::size_t size, void* self) {
    static_cast<Oracle*>(self)->frames_.back().data.append(reinterpret_cast<const char*>(data),
                                                           size);
    return 0;
  }

  nghttp2_session* session_ = nullptr;
  bool over_ = false;
  std::vector<Read> frames_{};
};

class Conversation {
 public:
  explicit Conversation(FrameReader::Begin begin) : marked_(begin), whole_(begin), cut_(begin) {
    if (begin != FrameReader::Begin::kPreface) oracle_.Stop();
  }

  void Frame(const std::string& octets) {
    last_ = unsent_.size();
    unsent_ += octets;
  }
  // The last frame goes in front of those that wait.
  void Swap() {
    std::rotate(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(last_),
                unsent_.end());
    last_ = 0;
  }
  void Send(std::size_t n, bool mark) {
    n = std::min(n, unsent_.size());
    Pass(unsent_.substr(0, n), 0, mark, {});
    unsent_.erase(0, n);
    last_ = std::min(last_, unsent_.size());
  }
  // Of what waits, n octets are not seen; then as many more as wanted pass.
  void Gap(std::size_t n, std::size_t more) {
    const std::size_t waiting = std::min(n, unsent_.size());
    unsent_.erase(0, waiting);
    last_ = std::min(last_, unsent_.size());
    Pass({}, n + more, false, {});
  }
  void Run(std::uint32_t stream, std::uint32_t frames, std::uint64_t payload, bool wrong) {
    Pass({}, std::uint64_t{frames} * kFrameHeaderBytes + payload + (wrong ? 1 : 0), false,
         {stream, frames, payload});
  }
  void End() {
    if (!marked_.told.orderly || !whole_.told.orderly) std::abort();
    if (whole_.told.frames != cut_.told.frames || whole_.told.lost != cut_.told.lost) std::abort();
    if (marked_.told.lost > offset_ || whole_.told.lost > offset_) std::abort();
    if (whole_.reader.lost() != cut_.reader.lost()) std::abort();
    oracle_.Compare(whole_.told);
  }

 private:
  void Pass(std::string_view bytes, std::uint64_t gap, bool mark, protocol::FrameRun run) {
    protocol::Piece piece = PieceOf(bytes, 0, bytes.size(), bytes.size());
    piece.offset = offset_;
    piece.end = offset_ = offset_ + bytes.size() + gap;
    piece.frame_start = mark;
    piece.run = run;
    oracle_.Feed(bytes);
    if (gap != 0) oracle_.Stop();
    marked_.reader.Feed(piece, marked_.told);
    piece.frame_start = piece.whole = false;
    piece.run = {};
    whole_.reader.Feed(piece, whole_.told);
    while (!piece.empty()) {
      protocol::Piece first = piece;
      first.bytes = piece.bytes.substr(0, 1);
      first.end = piece.offset + std::max<std::uint64_t>(first.bytes.size(), piece.size() / 2 + 1);
      if (!first.bytes.empty()) first.end = piece.offset + 1;
      cut_.reader.Feed(first, cut_.told);
      piece.Skip(first.size());
    }
  }

  Reader marked_;
  Reader whole_;
  Reader cut_;
  Oracle oracle_{};
  std::string unsent_{};
  std::size_t last_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto byte = [&]() -> std::uint8_t {
    if (input.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    return value;
  };
  const auto text = [&](std::size_t n) {
    const std::string_view out = input.substr(0, n);
    input.remove_prefix(out.size());
    return out;
  };
  Conversation conversation(static_cast<FrameReader::Begin>(byte() % 3));
  for (int steps = 0; !input.empty() && steps < 300; ++steps) {
    const std::uint8_t what = byte();
    const std::uint8_t n = byte();
    switch (what % 8) {
      case 0:
      case 1: {  // a frame, of its own length
        const auto type = static_cast<FrameType>(byte() % 18);
        const std::uint8_t flags = byte();
        const std::uint8_t stream = byte();
        conversation.Frame(testing::Octets(type, flags, stream, text(n)));
        break;
      }
      case 2:  // any octets
        conversation.Frame(std::string(text(n)));
        break;
      case 3:
        if (what & 64) conversation.Frame(std::string(kPreface));
        conversation.Swap();
        break;
      case 4:
        conversation.Gap(n, what & 128 ? 7000u * n : 0);
        break;
      case 5:
        conversation.Run(byte(), n, 100u * n, (what & 64) != 0);
        break;
      default:
        conversation.Send(n == 255 ? SIZE_MAX : n, (what & 128) != 0);
    }
  }
  conversation.Send(SIZE_MAX, true);
  conversation.End();
  return 0;
}
