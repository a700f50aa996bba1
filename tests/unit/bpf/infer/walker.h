#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/lib/infer/http2.h"

namespace wirespan::frame_test {

struct HeaderCount {
  std::uint32_t added = 0;
  std::uint32_t uncounted = 0;
};

// What the kernel would tell: bytes and a gap, or a run of frames.
struct Told {
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  std::string captured{};
  bool frame_start = false;
  std::uint32_t run_frames = 0;  // 0: no run
  std::uint32_t run_stream = 0;
  std::uint64_t run_payload = 0;
  std::optional<HeaderCount> count{};
};

// One direction of a socket that speaks HTTP/2, as bpf/lib/http2.h drives the machine.
class Walker {
 public:
  explicit Walker(std::uint64_t at = 0, ws_h2_mode mode = WS_H2_SYNC,
                  std::uint32_t head_max = 16384)
      : head_max_(head_max) {
    ws_h2_start(&h_, at, mode);
  }

  // A call that moved `bytes`; the next one begins behind it.
  void Call(std::string_view bytes) { CallAt(next_call_, bytes); }
  void CallAt(std::uint64_t offset, std::string_view bytes) {
    Run(offset, bytes, bytes.size(), true);
  }
  // A call whose bytes can't be read.
  void Pass(std::uint64_t n) { Run(next_call_, {}, n, false); }
  // Bytes that no call of ours showed.
  void Miss(std::uint64_t n) { next_call_ += n; }
  // HTTP/2 is a guess from now on.
  void Guessed(bool guessed) { guessed_ = guessed; }
  void BeginAt(std::uint64_t offset) { next_call_ = offset; }
  // The connection ends: what is held back of a run is told.
  void Close() {
    ws_run_close(&h_);
    if (h_.run_frames != 0) Tell(h_.run_at);
  }

  const std::vector<Told>& told() const { return told_; }
  const ws_h2& state() const { return h_; }
  ws_h2& state() { return h_; }
  const ws_walk& last() const { return w_; }
  int lost() const { return lost_; }
  int head_bound() const { return head_bound_; }
  std::size_t copied() const { return copied_; }
  // Calls that were passed over without a window.
  int inside() const { return inside_; }

 private:
  void Run(std::uint64_t offset, std::string_view bytes, std::uint64_t n, bool look) {
    next_call_ = offset + n;
    w_ = ws_walk{};
    w_.start = offset;
    w_.len = static_cast<std::uint32_t>(n);
    w_.head_max = head_max_;
    w_.guessed = guessed_ ? 1 : 0;
    if (ws_h2_inside(&h_, offset, w_.len) != 0) {
      ++inside_;
      if (ws_held_is_due(&h_) != 0) std::abort();  // nobody would tell it
      return;
    }
    if (look && Body(offset, bytes)) {
      ++inside_;
      if (ws_held_is_due(&h_) != 0) std::abort();
      return;
    }
    const ws_h2 before = h_;
    const bool in_order = ws_walk_begin(&h_, &w_, look) != 0;
    if (!in_order) {
      ws_h2_start(&h_, w_.start, WS_H2_SCAN);
      ws_walk_begin(&h_, &w_, look);
    }
    int windows = 0;
    while (w_.want != 0) {
      if (++windows > 100000) std::abort();  // no progress
      Window(bytes);
    }
    if (!in_order || ws_held_is_due(&h_) != 0) Tell(h_.at);
    lost_ += w_.lost;
    head_bound_ += w_.head_bound;
    if (!in_order) h_ = before;
    if (h_.told > h_.at) std::abort();
  }

  // As ws_body_again in bpf/lib/http2_turns.h.
  bool Body(std::uint64_t offset, std::string_view bytes) {
    const auto len = static_cast<std::uint32_t>(bytes.size());
    ws_body body{};
    if (ws_body_begin(&h_, &body, offset, len) == 0) return false;
    for (int i = 0; i < WS_BODY_HEADERS && body.at < len; ++i) {
      if (len - body.at < WS_FRAME_HEADER) return false;
      const auto* header = reinterpret_cast<const __u8*>(bytes.data() + body.at);
      if (ws_body_header(&h_, &body, header, len) == 0) return false;
    }
    if (body.at < len) return false;
    ws_body_end(&h_, &body, offset, len);
    return true;
  }

  void Window(std::string_view bytes) {
    // Stale bytes of an earlier window must not decide anything.
    std::array<__u8, 2 * WS_WINDOW + 32> window{};
    window.fill(stale_);
    const std::uint32_t pos = w_.pos;
    if (w_.want > WS_WINDOW || pos + w_.want > bytes.size()) std::abort();
    std::memcpy(window.data(), bytes.data() + pos, w_.want);
    copied_ += w_.want;
    ws_walk_window(&h_, &w_, w_.want);
    for (bool more = true; more;) {
      more = ws_walk_unit(&h_, &w_, window.data()) != 0;
      if (w_.fields.end != 0) Count(window.data());
    }
    const HeaderCount count{w_.added, w_.uncounted};
    const std::uint32_t keep = w_.keep;
    if (keep > w_.n || w_.next < pos) std::abort();
    const bool frame_start = w_.starts != 0;
    const bool flush = w_.flush != 0;
    ws_walk_next(&h_, &w_);
    const std::uint64_t from = w_.start + pos;
    if (keep != 0 ? h_.told < from : flush) Tell(from);
    if (keep == 0) return;
    h_.told = w_.start + w_.pos;
    told_.push_back({.offset = from,
                     .end = h_.told,
                     .captured = std::string(bytes.substr(pos, keep)),
                     .frame_start = frame_start,
                     .count = count});
  }

  void Count(const __u8* window) {
    for (int i = 0; i < WS_FIELDS; ++i) {
      if (ws_field_indexed(&w_.fields, window) == 0 && ws_field(&w_.fields, window) == 0) break;
    }
    ws_fields_done(&h_, &w_);
  }

  void Tell(std::uint64_t to) {
    ws_run run{};
    ws_run_whole(&h_, &run);
    if (run.frames != 0) {
      if (h_.run_at > h_.told) told_.push_back({.offset = h_.told, .end = h_.run_at});
      told_.push_back({.offset = h_.run_at,
                       .end = run.end,
                       .frame_start = true,
                       .run_frames = run.frames,
                       .run_stream = h_.run_stream,
                       .run_payload = run.payload});
      ws_run_told(&h_, &run);
    }
    if (to > h_.told && h_.run_frames == 0) {
      told_.push_back({.offset = h_.told, .end = to});
      h_.told = to;
    }
  }

  ws_h2 h_{};
  ws_walk w_{};
  bool guessed_ = false;
  std::uint32_t head_max_;
  std::uint64_t next_call_ = 0;
  std::vector<Told> told_{};
  int lost_ = 0;
  int head_bound_ = 0;
  std::size_t copied_ = 0;
  int inside_ = 0;
  __u8 stale_ = 0;
};

}  // namespace wirespan::frame_test
