#include "agent/connection/connection_table.h"

#include <algorithm>
#include <utility>

namespace wirespan::connection {
namespace {

using protocol::Piece;

constexpr std::uint64_t kSweepInterval = 10'000'000'000;
constexpr std::uint64_t kHandedKept = 120'000'000'000;  // tables of the process before

ExchangeDrop DropReason(ConnectionEnd reason) {
  switch (reason) {
    case ConnectionEnd::kIdle:
      return ExchangeDrop::kIdle;
    case ConnectionEnd::kTableFull:
      return ExchangeDrop::kTableFull;
    case ConnectionEnd::kMemory:
      return ExchangeDrop::kMemory;
    default:
      return ExchangeDrop::kShutdown;
  }
}

}  // namespace

ConnectionTable::ConnectionTable(TableOptions options, const Clock& clock,
                                 ExchangeObserver& observer, telemetry::Registry& registry)
    : options_(std::move(options)),
      clock_(clock),
      ledger_(registry),
      coverage_(options_.max_pids, ledger_),
      exchanges_{observer, ledger_, coverage_},
      http1_({options_.max_head_bytes, options_.max_pipelined, options_.resync_quiet_ns,
              options_.response_timeout_ns},
             exchanges_),
      http2_({options_.max_http2_head_bytes, options_.max_streams, options_.response_timeout_ns,
              options_.response_timeout_ns, options_.hole_timeout_ns, options_.stream_lost_ns},
             exchanges_),
      open_gauge_(registry.gauge("wirespan_exchanges_open", "Exchanges under way now.")),
      streams_gauge_(registry.gauge("wirespan_streams_open",
                                    "HTTP/2 streams under way now; each is an open exchange.")),
      held_gauge_(
          registry.gauge("wirespan_data_events_held", "Data events that wait for missing bytes.")),
      held_bytes_gauge_(
          registry.gauge("wirespan_held_bytes", "Captured bytes of events that wait.")),
      connections_gauge_(registry.gauge("wirespan_connections", "Connections in the table.")) {}

ConnectionTable::~ConnectionTable() { Shutdown(); }

void ConnectionTable::OnEvent(const Event& event) {
  ledger_.Event(event.index());
  std::visit([this](const auto& one) { On(one); }, event);
}

ConnectionTable::Connection* ConnectionTable::Find(ConnectionId id) {
  if (recent_ != nullptr && recent_->id == id) return recent_;
  const auto found = connections_.find(id);
  if (found == connections_.end()) return nullptr;
  recent_ = found->second.get();
  return recent_;
}

ConnectionTable::Connection& ConnectionTable::FindOrAdd(ConnectionId id) {
  if (Connection* found = Find(id)) return *found;
  if (connections_.size() >= options_.max_connections)
    Evict(connections_.size() / 64 + 1, ConnectionEnd::kTableFull);
  auto connection = std::make_unique<Connection>();
  connection->id = id;
  ConnectionInfo info;
  info.id = id;
  info.joined_late = true;
  connection->info = std::make_shared<const ConnectionInfo>(std::move(info));
  ledger_.ConnectionOpened();
  recent_ = connections_.emplace(id, std::move(connection)).first->second.get();
  return *recent_;
}

void ConnectionTable::Evict(std::size_t n, ConnectionEnd reason) {
  n = std::min(n, connections_.size());
  if (n == 0) return;
  FlatMap<std::uint32_t, std::size_t> count_of;
  for (const auto& [id, connection] : connections_) ++count_of[connection->pid];
  const auto most =
      std::max_element(count_of.begin(), count_of.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const bool one_process = most->second >= n;

  std::vector<std::pair<std::uint64_t, ConnectionId>> ages;
  ages.reserve(one_process ? most->second : connections_.size());
  for (const auto& [id, connection] : connections_) {
    if (one_process && connection->pid != most->first) continue;
    // Those with an exchange under way stay, if others can go.
    const bool busy = connection->http != nullptr && connection->http->open() != 0;
    ages.emplace_back(connection->last_ns + (busy ? options_.open_idle_ns : 0), id);
  }
  std::nth_element(ages.begin(), ages.begin() + static_cast<std::ptrdiff_t>(n - 1), ages.end());
  for (std::size_t i = 0; i < n; ++i) {
    if (Connection* connection = Find(ages[i].second)) {
      End(*connection, connection->last_ns, false, reason);
      Erase(ages[i].second);
    }
  }
}

void ConnectionTable::SetPressure(Pressure pressure) {
  pressure_ = pressure;
  if (pressure == Pressure::kOver) Evict(connections_.size() / 16 + 1, ConnectionEnd::kMemory);
}

void ConnectionTable::Erase(ConnectionId id) {
  recent_ = nullptr;
  connections_.erase(id);
}

void ConnectionTable::On(const OpenEvent& event) {
  now_ns_ = std::max(now_ns_, event.ts_ns);
  if (Refused(event.conn)) {
    ledger_.ConnectionRefused();
    return;
  }
  Connection& connection = FindOrAdd(event.conn);
  connection.info = std::make_shared<const ConnectionInfo>(ConnectionInfo{
      event.conn, event.netns, event.opener, event.local, event.remote, event.wire_known,
      event.local_isn, event.remote_isn, event.peer_cookie, event.joined_late});
  connection.pid = event.pid;
  connection.last_ns = std::max(connection.last_ns, event.ts_ns);
  if (event.joined_late) return;
  for (ByteStream& stream : connection.streams) {
    if (!stream.started()) stream.Start(0, true);
  }
}

void ConnectionTable::On(const DataEvent& event) {
  now_ns_ = std::max(now_ns_, event.ts_ns);
  if (pressure_ == Pressure::kOver || Refused(event.conn)) {
    ledger_.Data(DataFate::kMemory);
    return;
  }
  Connection& connection = FindOrAdd(event.conn);
  connection.last_ns = std::max(connection.last_ns, event.ts_ns);
  connection.pid = event.pid;
  if (event.end_offset <= event.offset) {
    ledger_.Data(DataFate::kEmpty);
    return;
  }
  Piece piece;
  piece.offset = event.offset;
  piece.end = event.end_offset;
  piece.bytes = event.captured.substr(0, event.end_offset - event.offset);
  piece.ts_ns = std::max<std::uint64_t>(event.ts_ns, 1);  // 0 is for gaps that no event told of
  piece.start_ns = event.start_ns;
  piece.pid = event.pid;
  piece.tid = event.tid;
  piece.wire_exact = event.wire_exact;
  piece.frame_start = event.frame_start;
  piece.run = event.run;
  piece.header_count = event.header_count;
  if (event.no_buffer) coverage_.Of(event.pid).unseen_bytes += piece.gap();
  if (connection.ignored) {
    ledger_.Data(DataFate::kIgnored);
    return;
  }
  const int direction = static_cast<int>(event.direction);
  ByteStream& stream = connection.streams[direction];
  if (!stream.started()) stream.Start(event.offset, false);
  Accept(connection, direction, piece);
  if (!connection.ignored) Arm(connection);
}

void ConnectionTable::On(const CloseEvent& event) {
  now_ns_ = std::max(now_ns_, event.ts_ns);
  Connection* connection = Find(event.conn);
  if (connection == nullptr) return;
  connection->last_ns = std::max(connection->last_ns, event.ts_ns);
  if (event.gone) {
    ForceAll(*connection);
    const std::uint64_t ends[2] = {event.read_end_offset, event.write_end_offset};
    for (int direction = 0; direction < 2; ++direction) {
      ByteStream& stream = connection->streams[direction];
      if (connection->http == nullptr || !stream.started() || ends[direction] <= stream.next())
        continue;
      Piece gap;
      gap.offset = stream.next();
      gap.end = ends[direction];
      gap.pid = connection->pid;
      ledger_.GapDeclared();
      connection->http->Force(static_cast<Direction>(direction));
      if (Deliver(*connection, direction, gap)) stream.Advance(ends[direction]);
    }
    End(*connection, event.ts_ns, event.reset, ConnectionEnd::kGone);
    Erase(event.conn);
    return;
  }
  connection->ended[0] |= event.read_ended;
  connection->ended[1] |= event.write_ended;
  connection->end_reset |= event.reset;
  FinishEnded(*connection);
  Arm(*connection);
}

void ConnectionTable::On(const TlsEvent& event) {
  now_ns_ = std::max(now_ns_, event.ts_ns);
  if (Refused(event.conn)) {
    ledger_.ConnectionRefused();
    return;
  }
  Connection& connection = FindOrAdd(event.conn);
  connection.last_ns = std::max(connection.last_ns, event.ts_ns);
  connection.pid = event.pid;
  if (connection.ignored) return;
  tls::ClientHello hello;
  tls::ParseClientHello(event.hello, hello);
  coverage_.AddTls(event.pid, hello.server_name, hello.alpn);
  Ignore(connection);
}

void ConnectionTable::On(const ExecEvent& event) { now_ns_ = std::max(now_ns_, event.ts_ns); }

void ConnectionTable::On(const ExitEvent& event) {
  now_ns_ = std::max(now_ns_, event.ts_ns);
  coverage_.OnExit(event.pid, event.ts_ns);
}

void ConnectionTable::ForceAll(Connection& connection) {
  // Each round lets at least one held piece go, or makes a hole a gap.
  std::size_t rounds =
      2 * (connection.streams[0].held_pieces() + connection.streams[1].held_pieces()) + 4;
  while (rounds-- != 0 && !connection.ignored) {
    const bool holding[2] = {connection.streams[0].holding(), connection.streams[1].holding()};
    if (!holding[0] && !holding[1]) break;
    // Missing bytes first: they may hold what the other direction waits for.
    int direction = holding[0] ? 0 : 1;
    if (holding[0] && holding[1] && !connection.streams[0].in_hole() &&
        connection.streams[1].in_hole())
      direction = 1;
    ForceDirection(connection, direction);
  }
}

void ConnectionTable::End(Connection& connection, std::uint64_t ts_ns, bool reset,
                          ConnectionEnd reason) {
  ForceAll(connection);
  for (int direction = 0; direction < 2; ++direction)
    ClearHeld(connection, direction, DataFate::kDiscarded);
  if (connection.http != nullptr) {
    if (reason == ConnectionEnd::kGone || reason == ConnectionEnd::kProcessExit) {
      connection.http->Finish(ts_ns, reset);
    }
    connection.http->Drop(DropReason(reason));
  }
  ledger_.Ended(reason);
}

void ConnectionTable::Tick(std::uint64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  while (!holes_.empty() && holes_.front().at_ns <= now_ns_) {
    const ConnectionId id = holes_.front().id;
    holes_.pop_front();
    Connection* connection = Find(id);
    if (connection == nullptr) continue;
    connection->hole_armed = false;
    // What was lost was mostly lost both ways: the younger hole ends with the older one.
    const std::uint64_t enough_ns = options_.hole_timeout_ns / 2;
    const int earlier = WaitsForHole(*connection, 0, connection->streams[0].first_ts_ns()) ? 1 : 0;
    for (const int direction : {earlier, 1 - earlier}) {
      const ByteStream& stream = connection->streams[direction];
      for (std::size_t most = stream.held_pieces(); most != 0; --most) {
        if (connection->ignored || !stream.in_hole()) break;
        // HTTP/2: each has waited by itself, so that a direction that loses often does not fall
        // behind the other. What is paired by its order goes on one hole at a time.
        const bool ordered = connection->http == nullptr || connection->http->ordered();
        const std::uint64_t since_ns =
            ordered ? connection->held_since_ns[direction] : stream.front_held_ns();
        if (since_ns + enough_ns > now_ns_) break;
        ForceDirection(*connection, direction);
        if (ordered) break;
      }
    }
    Arm(*connection);
  }
  while (!waits_.empty() && waits_.front().at_ns <= now_ns_) {
    const ConnectionId id = waits_.front().id;
    waits_.pop_front();
    Connection* connection = Find(id);
    if (connection == nullptr) continue;
    connection->wait_armed = false;
    for (int direction = 0; direction < 2 && !connection->ignored; ++direction) {
      const ByteStream& stream = connection->streams[direction];
      if (!stream.holding() || stream.in_hole() ||
          connection->held_since_ns[direction] + options_.response_timeout_ns > now_ns_) {
        continue;
      }
      ForceDirection(*connection, direction);
    }
    Arm(*connection);
  }
  while (!timers_.empty() && timers_.front().at_ns <= now_ns_) {
    const ConnectionId id = timers_.front().id;
    timers_.pop_front();
    Connection* connection = Find(id);
    if (connection == nullptr) continue;
    connection->timer_armed = false;
    if (connection->http != nullptr) {
      connection->http->Tick(now_ns_,
                             {connection->streams[0].holding(), connection->streams[1].holding()});
    }
    Arm(*connection);
  }
  if (now_ns_ >= next_sweep_ns_) {
    next_sweep_ns_ = now_ns_ + kSweepInterval;
    Sweep(now_ns_);
  }
  Publish();
}

void ConnectionTable::Publish() {
  ledger_.Publish();
  open_gauge_.Set(static_cast<double>(exchanges_.open_exchanges));
  streams_gauge_.Set(static_cast<double>(http2_.open_streams));
  held_gauge_.Set(static_cast<double>(held_events_));
  held_bytes_gauge_.Set(static_cast<double>(held_bytes_));
  connections_gauge_.Set(static_cast<double>(connections_.size()));
}

void ConnectionTable::Sweep(std::uint64_t now_ns) {
  handed_ = {};
  std::vector<std::pair<ConnectionId, ConnectionEnd>> ended;
  for (const auto& [id, connection] : connections_) {
    const std::uint64_t idle_ns = now_ns - std::min(now_ns, connection->last_ns);
    const bool http2 = connection->http != nullptr && !connection->http->ordered();
    const bool busy = connection->http != nullptr && connection->http->open() != 0;
    const std::uint64_t most_ns = http2  ? options_.http2_idle_ns
                                  : busy ? options_.open_idle_ns
                                         : options_.idle_ns;
    if (idle_ns >= options_.exited_grace_ns && coverage_.Exited(connection->pid)) {
      ended.emplace_back(id, ConnectionEnd::kProcessExit);
    } else if (idle_ns >= most_ns) {
      ended.emplace_back(id, ConnectionEnd::kIdle);
    }
  }
  for (const auto& [id, reason] : ended) {
    Connection* connection = Find(id);
    End(*connection, connection->last_ns, false, reason);
    Erase(id);
  }
  // Long enough for `explain` to tell of them.
  constexpr std::uint64_t kRemember = 60'000'000'000;
  if (now_ns > kRemember) coverage_.ForgetExited(now_ns - kRemember);
}

std::vector<Coverage> ConnectionTable::CoverageOf() const {
  std::vector<Coverage> out = coverage_.Snapshot();
  FlatMap<std::uint32_t, Coverage*> by_pid;
  for (Coverage& coverage : out) by_pid.emplace(coverage.pid, &coverage);
  for (const auto& [id, connection] : connections_) {
    if (connection->http == nullptr || connection->http->ordered()) continue;
    const auto found = by_pid.find(connection->pid);
    if (found == by_pid.end()) continue;
    Coverage& coverage = *found->second;
    coverage.open_streams += connection->http->open();
    const std::uint64_t oldest_ns = connection->http->oldest_ns();
    if (coverage.oldest_stream_ns == 0 ||
        (oldest_ns != 0 && oldest_ns < coverage.oldest_stream_ns)) {
      coverage.oldest_stream_ns = oldest_ns;
    }
  }
  return out;
}

std::vector<HandedConnection> ConnectionTable::ExportTables() const {
  std::vector<HandedConnection> out;
  for (const auto& [id, connection] : connections_) {
    const auto* http2 = dynamic_cast<const Http2Connection*>(connection->http.get());
    if (http2 == nullptr) continue;
    auto handed = http2->Export();
    if (!handed) continue;
    handed->id = id;
    out.push_back(std::move(*handed));
  }
  return out;
}

std::vector<OpenEvent> ConnectionTable::ExportOpens() const {
  std::vector<OpenEvent> out;
  out.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) {
    if (connection->ignored) continue;
    const ConnectionInfo& info = *connection->info;
    OpenEvent open;
    open.conn = id;
    open.ts_ns = connection->last_ns;
    open.pid = connection->pid;
    open.netns = info.netns;
    open.opener = info.opener;
    open.local = info.local;
    open.remote = info.remote;
    open.wire_known = info.wire_known;
    open.local_isn = info.local_isn;
    open.remote_isn = info.remote_isn;
    open.peer_cookie = info.peer_cookie;
    open.joined_late = true;
    out.push_back(std::move(open));
  }
  return out;
}

void ConnectionTable::AdoptTables(std::vector<HandedConnection> connections) {
  for (HandedConnection& connection : connections) {
    if (handed_.size() >= options_.max_connections) break;
    handed_.insert_or_assign(connection.id, std::move(connection));
  }
  next_sweep_ns_ = std::max(now_ns_, clock_.monotonic_ns()) + kHandedKept;
}

void ConnectionTable::Shutdown() {
  for (auto& [id, connection] : connections_)
    End(*connection, now_ns_, false, ConnectionEnd::kShutdown);
  recent_ = nullptr;
  connections_.clear();
  holes_.clear();
  waits_.clear();
  timers_.clear();
  handed_.clear();
  Publish();
}

}  // namespace wirespan::connection
