#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "agent/protocol/grpc/message_counter.h"
#include "tests/unit/bpf/infer/frames.h"
#include "tests/unit/bpf/infer/walker.h"

// What is true of whatever a Walker tells of a stream of frames.
namespace wirespan::frame_test {

// The machine at the start of a client's direction.
inline Walker ClientWalker(std::uint32_t head_max = 16384) {
  Walker walker(0, WS_H2_SYNC, head_max);
  ws_h2_expect_preface(&walker.state(), WS_PREFACE);
  return walker;
}

inline bool IsBoundary(const FrameStream& stream, std::uint64_t offset) {
  return std::ranges::any_of(stream.frames(),
                             [&](const FrameStream::Frame& f) { return f.offset == offset; });
}

// Everything told is true, and nothing is told twice or left out up to `end`.
inline void ExpectTrue(const FrameStream& stream, const Walker& walker, std::uint64_t end,
                       std::uint64_t begin = 0) {
  const std::string& bytes = stream.bytes();
  std::uint64_t reached = begin;
  for (const Told& told : walker.told()) {
    ASSERT_EQ(told.offset, reached);
    ASSERT_GT(told.end, told.offset);
    ASSERT_LE(told.end, bytes.size());
    reached = told.end;
    ASSERT_LE(told.captured.size(), told.end - told.offset);
    ASSERT_EQ(told.captured, bytes.substr(told.offset, told.captured.size()));
    if (told.frame_start) {
      // Where we joined in the middle of a frame we may be wrong at first.
      ASSERT_TRUE(told.offset == begin || IsBoundary(stream, told.offset)) << told.offset;
    } else if (!told.captured.empty()) {
      ASSERT_FALSE(IsBoundary(stream, told.offset)) << told.offset;
    }
    if (told.run_frames == 0) continue;
    std::uint32_t frames = 0;
    std::uint64_t payload = 0;
    std::uint64_t at = told.offset;
    for (const FrameStream::Frame& f : stream.frames()) {
      if (f.offset != at || at == told.end) continue;
      ASSERT_EQ(f.type, told.run_stream == 0 ? 8 : 0);
      ASSERT_EQ(f.flags & 9, 0);
      ASSERT_TRUE(told.run_stream == 0 || f.stream == told.run_stream);
      ++frames;
      payload += f.length;
      at = f.end();
    }
    ASSERT_EQ(at, told.end);
    ASSERT_EQ(frames, told.run_frames);
    ASSERT_EQ(payload, told.run_payload);
  }
  ASSERT_EQ(reached, end);
}

// The octets of [from, to) that were copied.
inline std::size_t CapturedIn(const Walker& walker, std::uint64_t from, std::uint64_t to) {
  std::size_t n = 0;
  for (const Told& told : walker.told()) {
    const auto begin = std::max(from, told.offset);
    const auto end = std::min<std::uint64_t>(to, told.offset + told.captured.size());
    if (begin < end) n += end - begin;
  }
  return n;
}

inline bool InRun(const Walker& walker, std::uint64_t offset) {
  return std::ranges::any_of(walker.told(), [&](const Told& told) {
    return told.run_frames != 0 && told.offset <= offset && offset < told.end;
  });
}

// Frame headers are copied, or summed; header blocks and control frames are copied.
inline void ExpectFramesKnown(const FrameStream& stream, const Walker& walker,
                              std::uint64_t from = 0) {
  for (const FrameStream::Frame& f : stream.frames()) {
    SCOPED_TRACE(f.offset);
    if (f.offset < from || InRun(walker, f.offset)) continue;
    ASSERT_EQ(CapturedIn(walker, f.offset, f.offset + 9), 9u);
    const std::uint64_t contents = f.type == 0 ? 0 : f.length;
    ASSERT_GE(CapturedIn(walker, f.offset, f.end()), 9u + contents);
  }
}

// The messages of each stream, as user space counts them.
inline std::map<std::uint32_t, grpc::MessageCounter> CountMessages(const FrameStream& stream,
                                                                   const Walker& walker) {
  std::map<std::uint32_t, grpc::MessageCounter> counters;
  for (const FrameStream::Frame& f : stream.frames()) {
    if (f.type != 0) continue;
    auto& counter = counters[f.stream];
    counter.BeginFrame(f.length);
    std::uint64_t at = f.offset + 9;
    for (const Told& told : walker.told()) {
      if (told.end <= at || told.offset >= f.end()) continue;
      const std::uint64_t end = std::min(told.end, f.end());
      const std::uint64_t copied = std::min(std::max(told.offset + told.captured.size(), at), end);
      if (copied > at)
        counter.OnBytes(std::string_view(told.captured).substr(at - told.offset, copied - at));
      if (end > copied) counter.OnGap(end - copied);
      at = end;
    }
  }
  return counters;
}

}  // namespace wirespan::frame_test
