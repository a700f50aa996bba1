// Any frames, cut, covered and dropped in any way.
#include <gtest/gtest.h>
// rapidcheck wants gtest before it
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "agent/protocol/http2/frame_reader.h"
#include "tests/unit/agent/protocol/http2/wire.h"

namespace wirespan::http2 {
namespace {

using testing::Listener;
using testing::Octets;
using testing::PieceOf;
using testing::Told;

// What was sent: octets, and the frames as a reader that sees all would tell them.
struct Sent {
  std::string wire{};
  std::vector<Told> frames{};
  std::vector<std::size_t> boundaries{};  // where a frame begins that a kernel may mark
  // Octets that are payload, and no field or padding in front of it: only these does a kernel leave
  // out.
  std::vector<bool> coverable{};
};

void Add(Sent& sent, FrameType type, std::uint8_t flags, std::uint32_t stream,
         std::string contents) {
  std::string payload;
  std::string padding;
  if ((flags & kPadded) != 0) {
    padding.assign(static_cast<std::size_t>(*rc::gen::inRange(0, 256)), '\0');
    payload += static_cast<char>(padding.size());
  }
  if (type == FrameType::kHeaders && (flags & kPriorityFlag) != 0) payload += "prior";
  if (type == FrameType::kPushPromise) payload += std::string("\0\0\0\2", 4);
  const std::size_t fields = payload.size();
  payload += contents + padding;
  Told told;
  told.header = {static_cast<std::uint32_t>(payload.size()), type, flags, stream};
  told.offset = sent.wire.size();
  told.seen.assign(contents.size(), 'y');
  told.contents = std::move(contents);
  told.ended = true;
  sent.boundaries.push_back(sent.wire.size());
  sent.wire += Octets(type, flags, stream, payload);
  sent.coverable.resize(told.offset + kFrameHeaderBytes + fields, false);
  sent.coverable.resize(sent.wire.size(), type == FrameType::kData);
  if (told.header.known()) sent.frames.push_back(std::move(told));
}

std::string AnyOctets(std::size_t max) {
  const auto size = *rc::gen::inRange<std::size_t>(0, max);
  return *rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
}

void AddAny(Sent& sent) {
  const auto stream = *rc::gen::inRange<std::uint32_t>(1, 1u << 31);
  const auto flag = [](std::uint8_t bit) { return *rc::gen::element<std::uint8_t>(0, 0, bit); };
  switch (*rc::gen::weightedElement<int>(
      {{8, 0}, {4, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, {1, 7}, {1, 8}, {1, 16}})) {
    case 0: {
      std::string contents = AnyOctets(50);
      if (*rc::gen::arbitrary<bool>())
        contents.resize(*rc::gen::inRange<std::size_t>(0, 3000), 'z');
      Add(sent, FrameType::kData, flag(kEndStream) | flag(kPadded), stream, contents);
      break;
    }
    case 1:
    case 5: {
      const bool promise = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
      int parts = *rc::gen::weightedElement<int>({{4, 0}, {1, 1}, {1, 3}});
      const std::uint8_t end = parts == 0 ? kEndHeaders : 0;
      if (promise) {
        Add(sent, FrameType::kPushPromise, end | flag(kPadded), stream, AnyOctets(30));
      } else {
        Add(sent, FrameType::kHeaders, end | flag(kPadded) | flag(kPriorityFlag) | flag(kEndStream),
            stream, AnyOctets(30));
      }
      while (parts-- > 0) {
        Add(sent, FrameType::kContinuation, parts == 0 ? kEndHeaders : 0, stream, AnyOctets(30));
      }
      break;
    }
    case 2:
      Add(sent, FrameType::kPriority, 0, stream, "prior");
      break;
    case 3:
      Add(sent, FrameType::kRstStream, 0, stream, "code");
      break;
    case 4:
      Add(sent, FrameType::kSettings, 0, 0,
          std::string(6 * *rc::gen::inRange<std::size_t>(0, 5), 's'));
      break;
    case 6:
      Add(sent, FrameType::kPing, flag(kAck), 0, "12345678");
      break;
    case 7:
      Add(sent, FrameType::kGoaway, 0, 0, "12345678" + AnyOctets(30));
      break;
    case 8:
      Add(sent, FrameType::kWindowUpdate, 0, *rc::gen::element<std::uint32_t>(0, stream), "incr");
      break;
    default:
      Add(sent, static_cast<FrameType>(16), 0, 0, AnyOctets(30));
  }
}

Sent AnyFrames() {
  Sent sent;
  Add(sent, FrameType::kSettings, 0, 0, "");
  const int n = *rc::gen::inRange(1, 20);
  for (int i = 0; i < n; ++i) AddAny(sent);
  return sent;
}

// Pieces end anywhere, more often where frames do; those that begin with a frame are marked.
std::vector<protocol::Piece> AnyPieces(const Sent& sent) {
  std::vector<std::size_t> cuts = *rc::gen::container<std::vector<std::size_t>>(
      *rc::gen::inRange<std::size_t>(0, 12),
      rc::gen::oneOf(rc::gen::inRange<std::size_t>(1, sent.wire.size()),
                     rc::gen::elementOf(sent.boundaries)));
  cuts.push_back(sent.wire.size());
  std::sort(cuts.begin(), cuts.end());
  std::vector<protocol::Piece> pieces;
  std::size_t at = 0;
  for (const std::size_t end : cuts) {
    if (end == at) continue;
    protocol::Piece piece = PieceOf(sent.wire, at, end, end - at);
    piece.frame_start = std::binary_search(sent.boundaries.begin(), sent.boundaries.end(), at);
    piece.whole = piece.frame_start || *rc::gen::arbitrary<bool>();
    pieces.push_back(piece);
    at = end;
  }
  return pieces;
}

const Told* Find(const std::vector<Told>& frames, std::uint64_t offset) {
  const auto found = std::find_if(frames.begin(), frames.end(),
                                  [&](const Told& frame) { return frame.offset == offset; });
  return found == frames.end() ? nullptr : &*found;
}

// Nothing that is told of a frame is wrong.
void ExpectTrue(const Told& told, const Sent& sent) {
  const Told* truth = Find(sent.frames, told.offset);
  RC_ASSERT(truth != nullptr);
  RC_ASSERT(told.header == truth->header);
  std::string contents = truth->contents;
  if (told.exact) {
    RC_ASSERT(told.contents.size() <= contents.size());
    // Control frames are cut at a gap.
    if (told.ended && (told.header.has(kEndHeaders) || told.header.type == FrameType::kData)) {
      RC_ASSERT(told.contents.size() == contents.size());
    }
  } else {
    contents.append(256, '\0');
  }
  for (std::size_t i = 0; i < told.contents.size(); ++i) {
    if (told.seen[i] == 'y') RC_ASSERT(told.contents[i] == contents[i]);
  }
}

RC_GTEST_PROP(FrameReaderPropertyTest, TellsTheSameFramesInAnyParts, ()) {
  const Sent sent = AnyFrames();
  const bool client = *rc::gen::arbitrary<bool>();
  FrameReader reader(client ? FrameReader::Begin::kPreface : FrameReader::Begin::kFrames);
  Listener told;
  if (client) reader.Feed(PieceOf(kPreface, 0, kPreface.size(), kPreface.size()), told);
  for (const protocol::Piece& piece : AnyPieces(sent)) reader.Feed(piece, told);
  RC_ASSERT(told.orderly);
  RC_ASSERT(told.losses == 0);
  RC_ASSERT(told.frames == sent.frames);
  RC_ASSERT(reader.at_boundary());
}

RC_GTEST_PROP(FrameReaderPropertyTest, LosesNoFrameWhosePayloadAloneIsUnseen, ()) {
  const Sent sent = AnyFrames();
  FrameReader reader(FrameReader::Begin::kFrames);
  Listener told;
  for (protocol::Piece piece : AnyPieces(sent)) {
    std::size_t seen = piece.bytes.size();
    while (seen > 0 && sent.coverable[piece.offset + seen - 1]) --seen;
    piece.bytes =
        piece.bytes.substr(0, *rc::gen::inRange<std::size_t>(seen, piece.bytes.size() + 1));
    reader.Feed(piece, told);
  }
  RC_ASSERT(told.orderly);
  RC_ASSERT(told.losses == 0);
  RC_ASSERT(told.frames.size() == sent.frames.size());
  for (std::size_t i = 0; i < told.frames.size(); ++i) {
    RC_ASSERT(told.frames[i].contents.size() == sent.frames[i].contents.size());
    ExpectTrue(told.frames[i], sent);
  }
}

RC_GTEST_PROP(FrameReaderPropertyTest, TellsNothingWrongWhateverIsDroppedAndRecoversAtAMark, ()) {
  const Sent sent = AnyFrames();
  FrameReader reader(*rc::gen::element(FrameReader::Begin::kFrames, FrameReader::Begin::kScan));
  Listener told;
  std::uint64_t known_from = 0;  // all frames from here on are told
  bool in_step = false;
  for (protocol::Piece piece : AnyPieces(sent)) {
    if (!in_step && piece.frame_start) {
      in_step = true;
      known_from = piece.offset;
    }
    const int fate = *rc::gen::weightedElement<int>({{4, 0}, {1, 1}, {1, 2}});
    if (fate != 0) {  // dropped, or its end was
      piece.bytes = piece.bytes.substr(
          0, fate == 1 ? 0 : *rc::gen::inRange<std::size_t>(0, piece.bytes.size() + 1));
      if (piece.bytes.empty()) piece.frame_start = piece.whole = false;
      in_step = false;
    }
    reader.Feed(piece, told);
  }
  RC_ASSERT(told.orderly);
  RC_ASSERT(told.lost <= sent.wire.size());
  for (const Told& frame : told.frames) ExpectTrue(frame, sent);
  if (!in_step) return;
  for (const Told& frame : sent.frames) {
    if (frame.offset < known_from) continue;
    const Told* found = Find(told.frames, frame.offset);
    RC_ASSERT(found != nullptr);
    RC_ASSERT(*found == frame);
  }
}

// Whatever the octets and the kernel say: no disorder, and nothing is counted twice.
RC_GTEST_PROP(FrameReaderPropertyTest, KeepsItsWordForAnyOctetsAndMarks, ()) {
  Sent sent = AnyFrames();
  const auto damaged = *rc::gen::inRange(0, 4);
  for (int i = 0; i < damaged; ++i) {
    sent.wire[*rc::gen::inRange<std::size_t>(0, sent.wire.size())] = *rc::gen::arbitrary<char>();
  }
  FrameReader reader(*rc::gen::element(FrameReader::Begin::kPreface, FrameReader::Begin::kFrames,
                                       FrameReader::Begin::kScan));
  Listener told;
  for (protocol::Piece piece : AnyPieces(sent)) {
    piece.frame_start =
        piece.frame_start != *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    if (*rc::gen::weightedElement<bool>({{8, false}, {1, true}})) {
      piece.bytes = {};
      piece.run.frames = 1;
      piece.run.stream = *rc::gen::element<std::uint32_t>(0, 1);
      piece.run.payload = *rc::gen::element<std::uint64_t>(piece.size() - 9, piece.size(), 0);
    }
    reader.Feed(piece, told);
  }
  RC_ASSERT(told.orderly);
  std::uint64_t passed = told.lost;
  for (const Told& frame : told.frames) {
    if (frame.ended) passed += kFrameHeaderBytes + frame.header.length;
  }
  for (const protocol::FrameRun& run : told.runs) passed += kFrameHeaderBytes + run.payload;
  RC_ASSERT(passed <= sent.wire.size());
}

}  // namespace
}  // namespace wirespan::http2
