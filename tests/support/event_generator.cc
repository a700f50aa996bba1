#include "tests/support/event_generator.h"

#include <algorithm>
#include <utility>

namespace wirespan::testing {

using connection::CloseEvent;
using connection::DataEvent;
using connection::Direction;
using connection::OpenEvent;

SocketScript::SocketScript(Options options) : options_(options), now_ns_(options.start_ns) {}

OwnedEvent SocketScript::Open() {
  OpenEvent event;
  event.conn = id();
  event.ts_ns = NextTime();
  event.pid = options_.pid;
  event.tid = options_.tid;
  event.opener = options_.opener;
  event.local = {connection::Family::kInet, {192, 0, 2, 1}, 8080, ""};
  event.remote = {connection::Family::kInet, {198, 51, 100, 7}, 40000, ""};
  event.joined_late = options_.joined_late;
  return {event, nullptr};
}

OwnedEvent SocketScript::Data(Direction direction, std::string bytes, std::size_t captured) {
  auto owned = std::make_shared<const std::string>(std::move(bytes));
  DataEvent event;
  event.conn = id();
  event.start_ns = now_ns_ + 500;
  event.ts_ns = NextTime();
  event.pid = options_.pid;
  event.tid = options_.tid;
  event.direction = direction;
  event.wire_exact = true;
  event.offset = offset(direction);
  event.end_offset = offset(direction) += owned->size();
  event.captured = std::string_view(*owned).substr(0, captured);
  return {event, std::move(owned)};
}

std::vector<OwnedEvent> SocketScript::Pieces(Direction direction, std::string_view bytes,
                                             std::size_t piece) {
  std::vector<OwnedEvent> events;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    events.push_back(Data(direction, std::string(bytes.substr(at, piece))));
  }
  return events;
}

OwnedEvent SocketScript::Gap(Direction direction, std::uint64_t bytes) {
  DataEvent event;
  event.conn = id();
  event.ts_ns = NextTime();
  event.pid = options_.pid;
  event.tid = options_.tid;
  event.direction = direction;
  event.no_buffer = true;
  event.offset = offset(direction);
  event.end_offset = offset(direction) += bytes;
  return {event, nullptr};
}

OwnedEvent SocketScript::End(Direction direction) {
  CloseEvent event;
  event.conn = id();
  event.ts_ns = NextTime();
  event.read_ended = direction == Direction::kRead;
  event.write_ended = direction == Direction::kWrite;
  return {event, nullptr};
}

OwnedEvent SocketScript::Close(bool reset) {
  CloseEvent event;
  event.conn = id();
  event.ts_ns = NextTime();
  event.gone = true;
  event.reset = reset;
  return {event, nullptr};
}

void ExchangeRecorder::OnRequest(std::uint64_t key, const connection::ConnectionInfo&,
                                 const protocol::Exchange& exchange) {
  if (!open_.emplace(key, exchange.target).second) ++breaches;
}

void ExchangeRecorder::OnExchange(std::uint64_t key, connection::ObservedExchange exchange) {
  if (open_.erase(key) != 1) ++breaches;
  if (exchange.exchange.outcome == protocol::Outcome::kLost) {
    ++lost;
  } else {
    exchanges.push_back(std::move(exchange));
  }
}

}  // namespace wirespan::testing
