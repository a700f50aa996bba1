#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/connection/handover.h"
#include "agent/connection/http2_context.h"
#include "agent/connection/http2_flow.h"
#include "agent/connection/http2_pairing.h"
#include "agent/connection/http_connection.h"

namespace wirespan::connection {

// An HTTP/2 connection: both directions' frames (Http2Flow) become streams and exchanges
// (Http2Pairing). Neither direction waits for the other.
//
// Which direction carries requests is known from the preface, else from the first header block
// whose pseudo fields are read (those of nearly every block are entries of the static table); until
// then the opener is taken for the client.
class Http2Connection final : public HttpConnection {
 public:
  using Begin = http2::FrameReader::Begin;
  struct Start {
    std::array<Begin, 2> begin{Begin::kScan, Begin::kScan};  // by Direction
    std::optional<Direction> requests{};
    bool certain = false;  // ... not by the opener alone
    bool guessed = false;  // that this is HTTP/2 at all
    Http2Pairing::Start pairing{};
  };
  // `info` outlives it, and is what exchanges get as their connection.
  Http2Connection(Http2Context& context, const std::shared_ptr<const ConnectionInfo>& info,
                  Start start);
  Http2Connection(const Http2Connection&) = delete;

  bool Feed(Direction direction, protocol::Piece& piece) override;
  bool MustWait(Direction, const protocol::Piece&) const override { return false; }
  void Force(Direction) override {}
  bool ordered() const override { return false; }
  bool waiting() const override { return pairing_.waiting(); }
  void Tick(std::uint64_t now_ns, std::array<bool, 2> behind) override;
  void EndDirection(Direction direction, std::uint64_t ts_ns, bool reset) override;
  void Finish(std::uint64_t ts_ns, bool reset) override;
  void Drop(ExchangeDrop reason) override { pairing_.Drop(reason); }
  State state() const override { return wrong_ ? State::kWrong : State::kOpen; }
  std::size_t open() const override { return pairing_.open(); }
  std::uint64_t oldest_ns() const override { return pairing_.oldest_ns(); }

  // After an upgrade, before the first piece.
  void Adopt(Http1Connection::Upgraded upgraded) { pairing_.Adopt(std::move(upgraded)); }
  // The tables of the process before, before the first piece.
  void Adopt(const HandedConnection& handed);
  std::optional<HandedConnection> Export() const;

 private:
  friend class Http2Flow;  // tells what it reads:
  void OnBlock(Http2Flow& flow, const HeaderBlock& block, bool invalid);
  void OnLost(const Http2Flow& flow, std::uint64_t now_ns);
  void OnFrame() { frameless_bytes_ = 0; }
  void OnUnseen(std::uint32_t pid, std::uint64_t bytes);
  void AllowTable(const Http2Flow& by, std::size_t bytes);
  // Nothing: which one it is, is not known, and so no stream is either.
  std::optional<Half> HalfOf(Direction direction) const;

  void Suspect(unsigned weight);
  void DecideRequests(Direction requests);
  void TellPairing();

  Http2Context& context_;
  std::optional<Direction> requests_;
  bool certain_;
  bool proven_;  // that it is HTTP/2
  bool wrong_ = false;
  unsigned doubts_ = 0;
  std::uint64_t frameless_bytes_ = 0;  // since the last frame of a known type
  Http2Pairing pairing_;
  std::array<Http2Flow, 2> flows_;
};

}  // namespace wirespan::connection
