// Sequences of frames with cuts, gaps, marks, runs and swaps, each step two bytes (what, how much)
// and what it takes of the rest. A reader keeps the order of its calls whatever comes; one that is
// given the same without marks tells the same frames however it is cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

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

class Conversation {
 public:
  explicit Conversation(FrameReader::Begin begin) : marked_(begin), whole_(begin), cut_(begin) {}

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
  }

 private:
  void Pass(std::string_view bytes, std::uint64_t gap, bool mark, protocol::FrameRun run) {
    protocol::Piece piece = PieceOf(bytes, 0, bytes.size(), bytes.size());
    piece.offset = offset_;
    piece.end = offset_ = offset_ + bytes.size() + gap;
    piece.frame_start = mark;
    piece.run = run;
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
        conversation.Frame(testing::Octets(type, flags, byte(), text(n)));
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
