#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/connection/event.h"
#include "agent/connection/handover.h"
#include "agent/connection/header_reader.h"
#include "agent/connection/http2_context.h"
#include "agent/connection/http2_pairing.h"
#include "agent/protocol/http2/frame_reader.h"
#include "agent/protocol/piece.h"

namespace wirespan::connection {

class Http2Connection;

// One direction of an HTTP/2 connection: its frames become what is said of streams, and its header
// blocks what is known of their fields.
class Http2Flow final : public http2::FrameSink {
 public:
  Http2Flow(Http2Connection& owner, Http2Context& context, Direction direction,
            http2::FrameReader::Begin begin);
  ~Http2Flow() override;
  Http2Flow(const Http2Flow&) = delete;

  Direction direction() const { return direction_; }
  // Where frames begin is not known, or not for certain.
  bool lost() const { return !trusted_; }
  // When it was known again; 0: it always was.
  std::uint64_t regained_ns() const { return regained_ns_; }
  // What is read are certainly this connection's frames.
  void Trust(std::uint64_t ts_ns);
  // Takes all of it.
  void Feed(protocol::Piece& piece);
  // No byte will follow.
  void End();
  // The other end allows header tables of this size.
  void AllowTable(std::size_t bytes) { headers_.AllowTable(bytes); }

  // Of another process, at the same place of the same stream. Call before the first piece.
  void Adopt(const HandedTable& handed);
  // Nothing while the place of the next frame, or what its header table holds, is not known.
  std::optional<HandedTable> Export() const;

 private:
  void OnFrame(const http2::Frame& frame) override;
  void OnPayload(const http2::Frame& frame, std::string_view bytes, std::uint64_t gap,
                 bool exact) override;
  void OnFrameEnd(const http2::Frame& frame, std::uint64_t ts_ns) override;
  void OnControl(const http2::Frame& frame, std::string_view payload, std::uint64_t ts_ns) override;
  void OnRun(const protocol::FrameRun& run, const protocol::Piece& piece) override;
  void OnLost(std::uint64_t unseen) override;

  void OnBoundary(std::uint64_t offset);
  // Of a stream that is open: hardly by accident.
  void TrustIfOpen(std::uint32_t stream, std::uint64_t ts_ns);
  void BeginBlock(const http2::Frame& frame);
  void EndBlock(bool whole);
  Moment MomentOf(const http2::Mark& begin) const;
  void OnSettings(std::string_view payload);

  struct Handed {
    std::uint64_t read_to = 0;
    std::uint64_t boundary = 0;
    hpack::DynamicTable table;
  };

  Http2Connection& owner_;
  Http2Context& context_;
  const Direction direction_;
  http2::FrameReader reader_;
  HeaderReader headers_;
  bool lost_;
  bool trusted_;
  bool started_ = false;
  bool joined_ = false;  // a frame was read
  bool pushed_ = false;  // the block under way is a promised request
  HeaderBlock block_{};  // under way
  std::uint32_t pid_ = 0;
  std::uint64_t last_ts_ns_ = 0;
  std::uint64_t regained_ns_ = 0;
  std::uint64_t read_to_ = 0;
  std::uint64_t next_frame_ = 0;  // where the frame under way ends
  std::optional<Handed> handed_{};
};

}  // namespace wirespan::connection
