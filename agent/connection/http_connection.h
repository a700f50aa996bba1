#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/connection/event.h"
#include "agent/connection/ledger.h"
#include "agent/protocol/piece.h"

namespace wirespan::connection {

// A connection whose protocol is decided: contiguous pieces of both directions in, exchanges out to
// the observer. Every exchange must have ended before it is destroyed: Finish or Drop.
class HttpConnection {
 public:
  enum class State : std::uint8_t {
    kOpen,
    kOpaque,  // speaks something else now: an upgrade or a tunnel
    kHttp2,   // HTTP/1.1 upgraded to h2c
    kWrong,   // it was a guess, and these are no such messages: decide again
  };
  virtual ~HttpConnection() = default;

  // False: `piece` is what is left, and it must wait for the other direction.
  virtual bool Feed(Direction direction, protocol::Piece& piece) = 0;
  virtual bool MustWait(Direction direction, const protocol::Piece& piece) const = 0;
  // Waited for too long, or too much is held: goes on with what is known.
  virtual void Force(Direction direction) = 0;
  // Messages are told apart by the order of both directions: each waits for the other's holes.
  virtual bool ordered() const = 0;

  // Something in here ends by time alone: call Tick now and then.
  virtual bool waiting() const = 0;
  // `behind`, by Direction: events of it are held, so older ones than those that were fed may come.
  virtual void Tick(std::uint64_t now_ns, std::array<bool, 2> behind) = 0;

  // No byte of this direction will come.
  virtual void EndDirection(Direction direction, std::uint64_t ts_ns, bool reset) = 0;
  // The connection is gone: everything ends.
  virtual void Finish(std::uint64_t ts_ns, bool reset) = 0;
  // What is complete but for the rest of its request is reported, everything else under way is
  // dropped for `reason`.
  virtual void Drop(ExchangeDrop reason) = 0;

  virtual State state() const = 0;
  virtual std::size_t open() const = 0;         // exchanges under way
  virtual std::uint64_t oldest_ns() const = 0;  // when the oldest of them began; 0: none
};

}  // namespace wirespan::connection
