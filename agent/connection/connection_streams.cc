// How bytes reach a connection's protocol: in order, held while they can't be used, recognised
// once.
#include <algorithm>
#include <utility>

#include "agent/connection/connection_table.h"

namespace wirespan::connection {
namespace {

using protocol::Piece;

// A connection that was joined late and shows nothing known after this many turns, or pieces, is
// none of ours.
constexpr std::uint8_t kMaxTurns = 16;
constexpr std::uint16_t kMaxUnrecognised = 4096;
constexpr std::uint8_t kMaxWrongGuesses = 3;

}  // namespace

void ConnectionTable::Accept(Connection& connection, int direction, Piece& piece) {
  ByteStream& stream = connection.streams[direction];
  switch (stream.Align(piece)) {
    case ByteStream::Fit::kDuplicate:
      ledger_.Data(DataFate::kDuplicate);
      return;
    case ByteStream::Fit::kReady:
      if (stream.holding() || WaitsForHole(connection, direction, piece.ts_ns)) break;
      if (Deliver(connection, direction, piece)) {
        stream.Advance(piece.end);
        ledger_.Data(DataFate::kConsumed);
        if (connection.ignored) return;
        if (connection.streams[1 - direction].holding()) Pump(connection);
        if (connection.ended[0] || connection.ended[1]) FinishEnded(connection);
        return;
      }
      stream.Advance(piece.offset);
      break;
    case ByteStream::Fit::kEarly:
      break;
  }
  Hold(connection, direction, piece);
  Pump(connection);
}

bool ConnectionTable::Deliver(Connection& connection, int direction, Piece& piece) {
  if (connection.http == nullptr && !Recognise(connection, direction, piece)) return false;
  if (connection.http == nullptr || connection.ignored) return true;
  const bool taken = connection.http->Feed(static_cast<Direction>(direction), piece);
  if (connection.http->state() == HttpConnection::State::kOpen) return taken;
  if (!Continue(connection)) return true;
  return connection.http->Feed(static_cast<Direction>(direction), piece);
}

bool ConnectionTable::Continue(Connection& connection) {
  switch (connection.http->state()) {
    case HttpConnection::State::kOpen:
      return true;
    case HttpConnection::State::kOpaque:
      ++coverage_.Of(connection.pid).upgraded_connections;
      Ignore(connection);
      return false;
    case HttpConnection::State::kHttp2:
      ContinueAsHttp2(connection);
      return true;
    case HttpConnection::State::kWrong:
      break;
  }
  ledger_.GuessedWrong();
  connection.http->Drop(ExchangeDrop::kDesynchronized);
  connection.http.reset();
  ++connection.wrong_guesses;
  for (int direction = 0; direction < 2; ++direction) {
    connection.likely_http2[direction] = false;
    connection.streams[direction].LoseStart();
    connection.skipped[direction] = true;
    connection.skipped_ns[direction] = connection.last_ns;
  }
  return false;
}

bool ConnectionTable::Recognise(Connection& connection, int direction, Piece& piece) {
  ByteStream& stream = connection.streams[direction];
  if (piece.run.frames != 0 || handed_.contains(connection.id)) {
    StartHttp2(connection, std::nullopt, true);
    return true;
  }
  while (!piece.empty()) {
    if (piece.bytes.empty()) {  // went by unseen: no evidence of anything
      Skip(connection, direction, piece);
      return true;
    }
    const bool final = piece.gap() != 0 || piece.bytes.size() >= options_.max_head_bytes;
    Decision decision = Decide(piece.bytes, final, !stream.exact_start(), piece.frame_start);
    const std::size_t preamble = decision.preamble.consumed;
    switch (Take(connection, direction, std::move(decision), piece)) {
      case Taken::kDecided:
      case Taken::kDiscard:
        return true;
      case Taken::kWait:
        return false;
      case Taken::kAgain:
        piece.Skip(preamble);
        break;
    }
  }
  return true;
}

void ConnectionTable::RecogniseHeld(Connection& connection, int direction, bool final) {
  ByteStream& stream = connection.streams[direction];
  while (stream.holding() && !stream.in_hole() && connection.http == nullptr &&
         !connection.ignored) {
    const Piece first = stream.Front();
    if (first.empty()) {
      PopHeld(connection, direction, DataFate::kDuplicate);
      continue;
    }
    if (first.bytes.empty()) {
      Skip(connection, direction, first);
      stream.Advance(first.end);
      PopHeld(connection, direction, DataFate::kConsumed);
      continue;
    }
    scratch_.clear();
    const bool gap = stream.Gather(scratch_, options_.max_head_bytes);
    Decision decision = Decide(scratch_, final || gap || scratch_.size() >= options_.max_head_bytes,
                               !stream.exact_start(), first.frame_start);
    const std::size_t preamble = decision.preamble.consumed;
    switch (Take(connection, direction, std::move(decision), first)) {
      case Taken::kWait:
      case Taken::kDecided:
        return;
      case Taken::kDiscard:
        stream.Advance(first.end);
        PopHeld(connection, direction, DataFate::kConsumed);
        break;
      case Taken::kAgain:
        stream.Advance(stream.next() + preamble);
        break;
    }
  }
}

ConnectionTable::Taken ConnectionTable::Take(Connection& connection, int direction,
                                             Decision decision, const Piece& first) {
  const std::uint32_t pid = first.pid;
  ByteStream& stream = connection.streams[direction];
  switch (decision.speaks) {
    case Speaks::kNeedMore:
      connection.likely_http2[direction] = decision.likely_frames;
      if (!decision.likely_frames || !connection.likely_http2[1 - direction]) return Taken::kWait;
      StartHttp2(connection, std::nullopt, true);
      return Taken::kDecided;
    case Speaks::kHttp1Request:
      StartHttp1(connection, direction, connection.streams[1 - direction].exact_start());
      return Taken::kDecided;
    case Speaks::kHttp1Response:
      StartHttp1(connection, 1 - direction, true);
      return Taken::kDecided;
    case Speaks::kHttp2Preface:
      StartHttp2(connection, direction, false);
      return Taken::kDecided;
    case Speaks::kHttp2Settings:
      StartHttp2(connection, 1 - direction, true);
      return Taken::kDecided;
    case Speaks::kHttp2Frames:
      if (connection.wrong_guesses >= kMaxWrongGuesses) break;
      StartHttp2(connection, std::nullopt, true);
      return Taken::kDecided;
    case Speaks::kTls:
      coverage_.AddTls(pid, decision.hello.server_name, decision.hello.alpn);
      Ignore(connection);
      return Taken::kDecided;
    case Speaks::kProxyPreamble:
      connection.proxy_address = std::move(decision.preamble.client_address);
      connection.proxy_port = decision.preamble.client_port;
      return Taken::kAgain;
    case Speaks::kOther:
      break;
  }
  if (connection.last_turn != direction) {
    connection.last_turn = static_cast<std::uint8_t>(direction);
    ++connection.turns;
  }
  ++connection.unrecognised;
  if (stream.exact_start() || connection.turns >= kMaxTurns ||
      connection.unrecognised >= kMaxUnrecognised) {
    ++coverage_.Of(pid).opaque_connections;
    Ignore(connection);
    return Taken::kDecided;
  }
  Skip(connection, direction, first);
  return Taken::kDiscard;
}

void ConnectionTable::Skip(Connection& connection, int direction, const Piece& piece) {
  coverage_.Of(piece.pid).unseen_bytes += piece.size();
  connection.streams[direction].LoseStart();
  connection.skipped[direction] = true;
  connection.skipped_ns[direction] =
      std::max({connection.skipped_ns[direction], piece.ts_ns, piece.before_ns});
}

void ConnectionTable::StartHttp1(Connection& connection, int request_direction,
                                 bool responses_exact) {
  ++coverage_.Of(connection.pid).http1_connections;
  connection.http = std::make_unique<Http1Connection>(
      http1_, connection.info,
      Http1Connection::Start{
          static_cast<Direction>(request_direction), connection.info->joined_late, responses_exact,
          connection.skipped[request_direction], connection.skipped_ns[request_direction],
          connection.skipped_ns[1 - request_direction], connection.proxy_address,
          connection.proxy_port});
}

void ConnectionTable::StartHttp2(Connection& connection, std::optional<int> request_direction,
                                 bool guessed) {
  using Begin = Http2Connection::Begin;
  ++coverage_.Of(connection.pid).http2_connections;
  Http2Connection::Start start;
  start.guessed = guessed;
  start.certain = request_direction.has_value();
  if (request_direction) {
    start.requests = static_cast<Direction>(*request_direction);
    const auto client = static_cast<std::size_t>(*request_direction);
    if (!guessed || connection.streams[client].exact_start()) start.begin[client] = Begin::kPreface;
    if (connection.streams[1 - client].exact_start()) start.begin[1 - client] = Begin::kFrames;
  } else if (connection.info->opener != Opener::kUnknown) {
    start.requests =
        connection.info->opener == Opener::kLocal ? Direction::kWrite : Direction::kRead;
  }
  start.pairing.joined_late = connection.info->joined_late;
  start.pairing.proxy_client_address = std::move(connection.proxy_address);
  start.pairing.proxy_client_port = connection.proxy_port;
  auto http2 = std::make_unique<Http2Connection>(http2_, connection.info, std::move(start));
  if (const auto handed = handed_.find(connection.id); handed != handed_.end()) {
    http2->Adopt(handed->second);
    handed_.erase(handed);
  }
  connection.http = std::move(http2);
}

void ConnectionTable::ContinueAsHttp2(Connection& connection) {
  using Begin = Http2Connection::Begin;
  auto& http1 = static_cast<Http1Connection&>(*connection.http);
  ++coverage_.Of(connection.pid).http2_connections;
  Http2Connection::Start start;
  start.requests = http1.requests();
  start.certain = true;
  start.pairing.joined_late = connection.info->joined_late;
  start.pairing.proxy_client_address = connection.proxy_address;
  start.pairing.proxy_client_port = connection.proxy_port;
  const auto requests = static_cast<std::size_t>(http1.requests());
  start.begin[requests] = http1.requests_at_boundary() ? Begin::kPreface : Begin::kScan;
  start.begin[1 - requests] = Begin::kFrames;
  auto http2 = std::make_unique<Http2Connection>(http2_, connection.info, std::move(start));
  if (auto upgraded = http1.TakeUpgraded()) http2->Adopt(std::move(*upgraded));
  connection.http = std::move(http2);
}

void ConnectionTable::Ignore(Connection& connection) {
  connection.ignored = true;
  for (int direction = 0; direction < 2; ++direction)
    ClearHeld(connection, direction, DataFate::kIgnored);
  if (connection.http != nullptr) {
    connection.http->Drop(ExchangeDrop::kUpgraded);
    connection.http.reset();
  }
  if (options_.on_ignored) options_.on_ignored(connection.id);
}

void ConnectionTable::Hold(Connection& connection, int direction, const Piece& piece) {
  ByteStream& stream = connection.streams[direction];
  if (stream.held_pieces() >= options_.max_held_pieces ||
      stream.held_bytes() + piece.bytes.size() > options_.max_held_bytes ||
      held_bytes_ + piece.bytes.size() > options_.max_held_bytes_total) {
    ledger_.HoldFull();
    for (int tries = 0; tries < 4 && stream.holding() && !connection.ignored; ++tries) {
      ForceDirection(connection, direction);
    }
    if (connection.ignored) {
      ledger_.Data(DataFate::kIgnored);
      return;
    }
    if (stream.held_pieces() >= options_.max_held_pieces ||
        stream.held_bytes() + piece.bytes.size() > options_.max_held_bytes ||
        held_bytes_ + piece.bytes.size() > options_.max_held_bytes_total) {
      ledger_.Data(DataFate::kDiscarded);  // a hole from here on
      return;
    }
  }
  if (!stream.holding()) connection.held_since_ns[direction] = now_ns_;
  stream.Hold(piece, now_ns_);
  ++held_events_;
  held_bytes_ += piece.bytes.size();
  if (stream.in_hole() && stream.Hole().size() > options_.max_hole_bytes)
    FillHole(connection, direction);
}

void ConnectionTable::PopHeld(Connection& connection, int direction, DataFate fate) {
  ByteStream& stream = connection.streams[direction];
  const std::size_t bytes = stream.held_bytes();
  const std::size_t events = stream.held_events();
  stream.PopFront();
  held_bytes_ -= bytes - stream.held_bytes();
  held_events_ -= events - stream.held_events();
  ledger_.Data(fate, events - stream.held_events());
}

void ConnectionTable::ClearHeld(Connection& connection, int direction, DataFate fate) {
  ByteStream& stream = connection.streams[direction];
  if (!stream.holding()) return;
  held_bytes_ -= stream.held_bytes();
  held_events_ -= stream.held_events();
  ledger_.Data(fate, stream.held_events());
  stream.Clear();
}

bool ConnectionTable::WaitsForHole(const Connection& connection, int direction,
                                   std::uint64_t ts_ns) {
  const ByteStream& other = connection.streams[1 - direction];
  return other.in_hole() && other.front_ts_ns() < ts_ns && connection.http != nullptr &&
         connection.http->ordered();
}

void ConnectionTable::Pump(Connection& connection) {
  while (!connection.ignored) {
    if (connection.http == nullptr) {
      RecogniseHeld(connection, 0, false);
      if (connection.http == nullptr && !connection.ignored) RecogniseHeld(connection, 1, false);
      if (connection.http == nullptr) break;
      continue;
    }
    int chosen = -1;
    Piece piece;
    for (int direction = 0; direction < 2; ++direction) {
      ByteStream& stream = connection.streams[direction];
      while (stream.holding() && !stream.in_hole() && stream.Front().empty()) {
        PopHeld(connection, direction, DataFate::kDuplicate);
      }
      if (!stream.holding() || stream.in_hole()) continue;
      const Piece front = stream.Front();
      if (WaitsForHole(connection, direction, front.ts_ns)) continue;
      if (connection.http->MustWait(static_cast<Direction>(direction), front)) continue;
      if (chosen >= 0 && piece.ts_ns <= front.ts_ns) continue;
      chosen = direction;
      piece = front;
    }
    if (chosen < 0) break;
    ByteStream& stream = connection.streams[chosen];
    connection.held_since_ns[chosen] = now_ns_;
    const bool taken = Deliver(connection, chosen, piece);
    if (connection.ignored) return;
    if (taken) {
      stream.Advance(piece.end);
      PopHeld(connection, chosen, DataFate::kConsumed);
    } else {
      stream.Advance(piece.offset);
    }
  }
  FinishEnded(connection);
}

void ConnectionTable::FillHole(Connection& connection, int direction) {
  ByteStream& stream = connection.streams[direction];
  Piece gap = stream.Hole();
  gap.pid = connection.pid;
  ledger_.GapDeclared();
  connection.held_since_ns[direction] = now_ns_;
  if (connection.http == nullptr) {
    Skip(connection, direction, gap);
    stream.Advance(gap.end);
    return;
  }
  if (Deliver(connection, direction, gap)) {
    stream.Advance(gap.end);
  } else {
    stream.Advance(gap.offset);
    stream.Hold(gap, now_ns_);
  }
}

void ConnectionTable::ForceDirection(Connection& connection, int direction) {
  ByteStream& stream = connection.streams[direction];
  if (stream.in_hole()) {
    // In the order of their time: what the later one hides may answer what the earlier one hides.
    const bool other_first = WaitsForHole(connection, direction, stream.front_ts_ns());
    FillHole(connection, other_first ? 1 - direction : direction);
  } else if (connection.http == nullptr) {
    RecogniseHeld(connection, direction, true);
  } else if (stream.holding()) {
    if (WaitsForHole(connection, direction, stream.front_ts_ns())) {
      FillHole(connection, 1 - direction);
    } else {
      connection.http->Force(static_cast<Direction>(direction));
    }
  }
  if (!connection.ignored) Pump(connection);
}

void ConnectionTable::FinishEnded(Connection& connection) {
  for (int direction = 0; direction < 2; ++direction) {
    if (!connection.ended[direction] || connection.streams[direction].holding() ||
        connection.ignored)
      continue;
    connection.ended[direction] = false;
    if (connection.http == nullptr) continue;
    connection.http->EndDirection(static_cast<Direction>(direction), connection.last_ns,
                                  connection.end_reset);
    Continue(connection);
  }
}

void ConnectionTable::Arm(Connection& connection) {
  const ByteStream& a = connection.streams[0];
  const ByteStream& b = connection.streams[1];
  if (a.holding() || b.holding()) {
    if (!connection.hole_armed && (a.in_hole() || b.in_hole())) {
      connection.hole_armed = true;
      holes_.push_back({now_ns_ + options_.hole_timeout_ns, connection.id});
    }
    if (!connection.wait_armed &&
        ((a.holding() && !a.in_hole()) || (b.holding() && !b.in_hole()))) {
      connection.wait_armed = true;
      waits_.push_back({now_ns_ + options_.response_timeout_ns, connection.id});
    }
  }
  if (!connection.timer_armed && connection.http != nullptr && connection.http->waiting()) {
    connection.timer_armed = true;
    timers_.push_back({now_ns_ + options_.hole_timeout_ns, connection.id});
  }
}

}  // namespace wirespan::connection
