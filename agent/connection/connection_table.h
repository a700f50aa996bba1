#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/connection/byte_stream.h"
#include "agent/connection/coverage.h"
#include "agent/connection/event.h"
#include "agent/connection/exchange_context.h"
#include "agent/connection/handover.h"
#include "agent/connection/http1_connection.h"
#include "agent/connection/http2_connection.h"
#include "agent/connection/http_connection.h"
#include "agent/connection/ledger.h"
#include "agent/connection/observed_exchange.h"
#include "agent/connection/pressure.h"
#include "agent/connection/protocol_decision.h"
#include "common/base/clock.h"
#include "common/base/flat_map.h"
#include "common/telemetry/metrics.h"

namespace wirespan::connection {

struct TableOptions {
  // Beyond: a sixty-fourth goes, the longest idle ones of the process that has most.
  std::size_t max_connections = 65536;
  std::size_t max_pids = 8192;
  std::size_t max_pipelined = 1024;  // HTTP/1: exchanges open on one connection
  std::size_t max_streams = 2048;    // HTTP/2: streams followed on one connection
  std::size_t max_head_bytes = 64u << 10;
  std::size_t max_http2_head_bytes = 64u << 10;  // of a header block
  // Events that came too early, or whose other direction is not there yet: for one direction, and
  // for all.
  std::size_t max_held_pieces = 1024;
  std::size_t max_held_bytes = 256u << 10;
  std::size_t max_held_bytes_total = 16u << 20;
  std::uint64_t max_hole_bytes = 16u << 20;     // a hole larger than this is a gap at once
  std::uint64_t hole_timeout_ns = 100'000'000;  // missing bytes are a gap after this
  std::uint64_t response_timeout_ns =
      1'000'000'000;  // a response waits so long for the event of its request
  std::uint64_t resync_quiet_ns = 1'000'000'000;
  // HTTP/2: a stream whose end may have been lost.
  std::uint64_t stream_lost_ns = 60'000'000'000;
  std::uint64_t open_idle_ns =
      3600ull * 1'000'000'000;  // with an exchange open: dropped, reason "idle"
  std::uint64_t idle_ns = 4 * 3600ull * 1'000'000'000;  // without
  // HTTP/2, with or without: a subscription may be silent for hours, and what a channel's header
  // table holds is told once.
  std::uint64_t http2_idle_ns = 24 * 3600ull * 1'000'000'000;
  std::uint64_t exited_grace_ns = 10'000'000'000;  // after its process ended, if no close was seen
  // Neither HTTP nor known: tell the kernel to say nothing more of it. May be empty.
  std::function<void(ConnectionId)> on_ignored{};
};

// Turns events into exchanges: keeps the connections, puts their bytes in order, decides once what
// they speak, and hands HTTP to its pairing. One thread, the source's; OnEvent and Tick allocate
// nothing for a message that is whole in its event and has nothing waiting, except what the
// exchange itself owns.
//
// Time is that of the events, or of Tick where it is later; so a recording replays as it happened.
class ConnectionTable final : public EventHandler {
 public:
  ConnectionTable(TableOptions options, const Clock& clock, ExchangeObserver& observer,
                  telemetry::Registry& registry);
  ~ConnectionTable() override;  // as Shutdown

  void OnEvent(const Event& event) override;

  // Ends waits that took too long and forgets the idle. Call a few times a second.
  void Tick() { Tick(clock_.monotonic_ns()); }
  void Tick(std::uint64_t now_ns);
  // From now on. kNear: what is not in the table already is not taken in. kOver: no data is, and
  // each call ends a sixteenth of the connections.
  void SetPressure(Pressure pressure);
  // Brings counters and gauges up to date; Tick and Shutdown do so.
  void Publish();
  // Gives up what waits, reports what can be, drops what is open (reason "shutdown").
  void Shutdown();

  // Per process, sorted by pid. Same thread.
  std::vector<Coverage> CoverageOf() const;

  // For a graceful restart: what must survive of the connections, and its way into the next
  // process, before the first event. What does not meet its connection's next bytes is not used,
  // and forgotten with the first sweep.
  std::vector<HandedConnection> ExportTables() const;
  // Who the connections are, as late joins.
  std::vector<OpenEvent> ExportOpens() const;
  // The same without being events of this process: not counted as such.
  void AdoptOpen(const OpenEvent& open) { On(open); }
  void AdoptTables(std::vector<HandedConnection> connections);

  std::size_t connections() const { return connections_.size(); }
  std::uint64_t open_exchanges() const { return exchanges_.open_exchanges; }
  std::uint64_t open_streams() const { return http2_.open_streams; }
  std::size_t held_events() const { return held_events_; }
  std::size_t held_bytes() const { return held_bytes_; }

 private:
  struct Connection {
    ConnectionId id{};
    std::shared_ptr<const ConnectionInfo> info{};
    ByteStream streams[2]{};
    std::unique_ptr<HttpConnection> http{};  // once its protocol is decided
    std::uint64_t last_ns = 0;
    std::uint64_t held_since_ns[2]{};
    std::uint32_t pid = 0;
    std::uint16_t proxy_port = 0;
    bool ignored = false;
    bool hole_armed = false;
    bool wait_armed = false;
    bool timer_armed = false;
    bool likely_http2[2]{};  // undecided, but what came looks like frames
    std::uint8_t wrong_guesses = 0;
    bool ended[2]{};
    bool end_reset = false;
    std::uint8_t turns = 0;      // joined late and not recognised: how often the direction changed
    std::uint8_t last_turn = 2;  // direction of the last such piece
    std::uint16_t unrecognised = 0;
    bool skipped[2]{};  // bytes that were not recognised, and when the last of them passed
    std::uint64_t skipped_ns[2]{};
    std::string proxy_address{};
  };
  struct Deadline {
    std::uint64_t at_ns = 0;
    ConnectionId id{};
  };
  using Map = FlatMap<ConnectionId, std::unique_ptr<Connection>>;

  void On(const OpenEvent& event);
  void On(const DataEvent& event);
  void On(const CloseEvent& event);
  void On(const TlsEvent& event);
  void On(const ExecEvent& event);
  void On(const ExitEvent& event);

  Connection* Find(ConnectionId id);
  Connection& FindOrAdd(ConnectionId id);
  // Ends `n` connections: the longest idle of the process that has most, if that has so many, else
  // of all.
  void Evict(std::size_t n, ConnectionEnd reason);
  bool Refused(ConnectionId id) { return pressure_ != Pressure::kNone && Find(id) == nullptr; }
  // Ends all of it; the caller erases.
  void End(Connection& connection, std::uint64_t ts_ns, bool reset, ConnectionEnd reason);
  void Erase(ConnectionId id);
  void Accept(Connection& connection, int direction, protocol::Piece& piece);

  // Takes a piece that fits. False: it (what is left) must be held.
  bool Deliver(Connection& connection, int direction, protocol::Piece& piece);
  // The same, undecided connection: looks at what starts here.
  bool Recognise(Connection& connection, int direction, protocol::Piece& piece);
  void RecogniseHeld(Connection& connection, int direction, bool final);
  enum class Taken : std::uint8_t { kDecided, kDiscard, kWait, kAgain };
  Taken Take(Connection& connection, int direction, Decision decision,
             const protocol::Piece& first);
  void Skip(Connection& connection, int direction, const protocol::Piece& piece);
  void StartHttp1(Connection& connection, int request_direction, bool responses_exact);
  void StartHttp2(Connection& connection, std::optional<int> request_direction, bool guessed);
  // An upgrade to h2c was accepted.
  void ContinueAsHttp2(Connection& connection);
  // After bytes were fed. False: it is not `http` any more that reads them.
  bool Continue(Connection& connection);
  void Ignore(Connection& connection);

  void Hold(Connection& connection, int direction, const protocol::Piece& piece);
  void PopHeld(Connection& connection, int direction, DataFate fate);
  void ClearHeld(Connection& connection, int direction, DataFate fate);
  void Pump(Connection& connection);
  // Bytes of the other direction that are older than this piece are held behind a hole. Going on
  // without them would look like requests that overlap, and a connection that pipelines can't be
  // brought back into step.
  static bool WaitsForHole(const Connection& connection, int direction, std::uint64_t ts_ns);
  void FillHole(Connection& connection, int direction);
  // No more waiting in this direction.
  void ForceDirection(Connection& connection, int direction);
  void ForceAll(Connection& connection);
  void FinishEnded(Connection& connection);
  void Arm(Connection& connection);
  void Sweep(std::uint64_t now_ns);

  const TableOptions options_;
  const Clock& clock_;
  Ledger ledger_;
  CoverageTable coverage_;
  ExchangeContext exchanges_;
  Http1Context http1_;
  Http2Context http2_;
  telemetry::Gauge& open_gauge_;
  telemetry::Gauge& streams_gauge_;
  telemetry::Gauge& held_gauge_;
  telemetry::Gauge& held_bytes_gauge_;
  telemetry::Gauge& connections_gauge_;
  Map connections_{};
  Connection* recent_ = nullptr;
  std::deque<Deadline> holes_{};
  std::deque<Deadline> waits_{};
  std::deque<Deadline> timers_{};
  FlatMap<ConnectionId, HandedConnection> handed_{};
  Pressure pressure_ = Pressure::kNone;
  std::uint64_t now_ns_ = 0;
  std::uint64_t next_sweep_ns_ = 0;
  std::size_t held_events_ = 0;
  std::size_t held_bytes_ = 0;
  std::string scratch_{};
};

}  // namespace wirespan::connection
