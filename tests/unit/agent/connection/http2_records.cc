#include "tests/unit/agent/connection/http2_records.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/protocol/http2/frame.h"
#include "tests/unit/bpf/infer/walker.h"

namespace wirespan::connection {
namespace {

using frame_test::Told;
using frame_test::Walker;

struct Span {
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  std::uint32_t stream = 0;
};

// One direction: its calls, and where its frames lie.
class Lane {
 public:
  Lane(bool requests, Direction direction, std::uint32_t head_max)
      : direction_(direction), walker_(0, WS_H2_SYNC, head_max) {
    if (requests) ws_h2_expect_preface(&walker_.state(), WS_PREFACE);
  }

  Direction direction() const { return direction_; }
  std::uint64_t end() const { return end_; }

  // Whole frames, in one write.
  void Frames(std::string_view bytes) {
    std::uint64_t at = frames_end_;
    while (!bytes.empty()) {
      Span span{at, at + http2::kPreface.size(), 0};
      if (http2::FrameHeader header;
          !bytes.starts_with(http2::kPreface) && http2::ParseFrameHeader(bytes, header)) {
        span.end = at + http2::kFrameHeaderBytes + header.length;
        span.stream = header.stream;
      }
      bytes.remove_prefix(std::min(bytes.size(), static_cast<std::size_t>(span.end - at)));
      frames_.push_back(span);
      at = span.end;
    }
    frames_end_ = at;
  }
  // What one call tells.
  std::vector<Told> Call(std::string_view bytes) {
    walker_.Call(bytes);
    end_ += bytes.size();
    return News();
  }
  std::vector<Told> Close() {
    walker_.Close();
    return News();
  }
  void HitBy(const Told& lost, std::set<std::uint32_t>& hit) const {
    for (const Span& span : frames_)
      if (span.offset < lost.end && lost.offset < span.end && span.stream != 0)
        hit.insert(span.stream);
  }

 private:
  std::vector<Told> News() {
    const auto& all = walker_.told();
    std::vector<Told> out(all.begin() + static_cast<std::ptrdiff_t>(told_), all.end());
    told_ = all.size();
    return out;
  }

  Direction direction_;
  Walker walker_;
  std::vector<Span> frames_{};
  std::uint64_t frames_end_ = 0;
  std::uint64_t end_ = 0;
  std::size_t told_ = 0;
};

testing::OwnedEvent EventOf(const Told& told, Direction direction, testing::SocketScript& socket) {
  auto bytes = std::make_shared<const std::string>(told.captured);
  DataEvent event;
  event.conn = socket.id();
  event.start_ns = socket.now_ns() - 500;
  event.ts_ns = socket.now_ns();
  event.pid = event.tid = 100;
  event.direction = direction;
  event.wire_exact = true;
  event.offset = told.offset;
  event.end_offset = told.end;
  event.captured = *bytes;
  event.frame_start = told.frame_start;
  if (told.count) event.header_count = {told.count->added, told.count->uncounted};
  event.run = {.stream = told.run_stream, .frames = told.run_frames, .payload = told.run_payload};
  return {event, std::move(bytes)};
}

}  // namespace

Records RecordsOf(std::mt19937& random, const std::vector<Written>& written,
                  const RecordsPlan& plan, testing::SocketScript& socket) {
  Records out;
  out.events.push_back(socket.Open());
  const Direction up = plan.client ? Direction::kWrite : Direction::kRead;
  const Direction down = plan.client ? Direction::kRead : Direction::kWrite;
  Lane lanes[2]{Lane(true, up, plan.head_max), Lane(false, down, plan.head_max)};
  const auto tell = [&](const Lane& lane, const std::vector<Told>& news) {
    socket.Advance(1000 + random() % 20'000);
    for (const Told& told : news) {
      if (std::uniform_real_distribution<double>(0, 1)(random) < plan.lose) {
        ++out.lost;
        lane.HitBy(told, out.hit);
      } else {
        out.events.push_back(EventOf(told, lane.direction(), socket));
      }
    }
  };
  for (const Written& one : written) {
    Lane& lane = lanes[one.client ? 0 : 1];
    lane.Frames(one.bytes);
    const bool reads = lane.direction() == Direction::kRead;
    std::string_view rest = one.bytes;
    while (!rest.empty()) {
      std::size_t n = rest.size();
      if (plan.cut && reads) n = std::min<std::size_t>(n, 1 + random() % 8192);
      tell(lane, lane.Call(rest.substr(0, n)));
      rest.remove_prefix(n);
    }
  }
  for (Lane& lane : lanes) {
    tell(lane, lane.Close());
    out.ends[lane.direction() == Direction::kRead ? 0 : 1] = lane.end();
  }
  return out;
}

}  // namespace wirespan::connection
