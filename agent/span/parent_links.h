#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "agent/connection/observed_exchange.h"
#include "agent/span/attributes.h"
#include "agent/span/identity.h"
#include "agent/span/metrics_sink.h"
#include "agent/span/span.h"
#include "agent/span/thread_links.h"
#include "agent/span/traceparent.h"
#include "common/base/flat_map.h"

namespace wirespan::span {

// What all spans of a trace share, as far as this node knows.
struct TraceContext {
  TraceId trace_id{};
  std::uint8_t flags = 1;      // W3C
  bool remote = false;         // a traceparent decided the trace and its flags
  std::int64_t offset_ns = 0;  // UTC minus monotonic for the trace's times
};

// Where an exchange stands: enough to write its span.
struct Resolution {
  Identity identity{};
  TraceContext context{};
  SpanId parent_id{};
  ParentMethod method = ParentMethod::kNone;
};

// A finished exchange that waits for its place.
struct HeldExchange {
  connection::ObservedExchange observed{};
  std::shared_ptr<const Resource> resource{};
  MetricRef metric{};
};

// Gets the exchanges that had to wait, once their place is known. Must not call back into
// ParentLinks.
class ResolvedSink {
 public:
  virtual ~ResolvedSink() = default;
  virtual void OnResolved(HeldExchange exchange, const Resolution& resolution) = 0;
};

struct LinkLimits {
  std::size_t max_open = 65536;  // exchanges known at once; more are resolved without links
  std::size_t max_held = 8192;   // finished exchanges that wait
  std::size_t max_held_bytes = 16u << 20;
  std::size_t max_lingering = 8192;  // ended calls whose server end may still come
  std::chrono::nanoseconds max_hold = std::chrono::seconds(30);
  std::chrono::nanoseconds peer_grace =
      std::chrono::milliseconds(100);  // for the other end's slower hook
};

struct LinkCounts {
  std::uint64_t released_age = 0;   // given up after max_hold: resolved without the link
  std::uint64_t released_full = 0;  // the same because of a bound
  std::uint64_t untracked = 0;      // beyond max_open
  std::uint64_t ambiguous = 0;      // two exchanges with one wire id and side: not linked
  std::uint64_t thread_refused =
      0;  // a call made inside a server exchange, whose thread proved nothing
};

// Finds each exchange's parent and trace among the exchanges of this node (docs/spans.md,
// "Parents"):
//
//   client -> server exchange that its thread carried (ThreadLinks), decided when that server
//   exchange ends server -> client exchange with the same wire id on this node trace  -> the
//   header's; else the parent's; else one derived from the wire id
//
// A trace id is handed down only from an exchange whose own is final. So an exchange that has ended
// may have to wait for the one above it: bounded by LinkLimits; then it is resolved without that
// link, for good, and so is all below it. A wait is a tree (each waits for one that began before
// it), so what is resolved is resolved top-down. Pipeline thread only.
class ParentLinks {
 public:
  struct Begin {
    protocol::Side side = protocol::Side::kServer;
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;  // 0: unknown
    Identity identity{};
    bool stream = false;       // HTTP/2: its threads prove nothing
    bool maybe_local = false;  // the other end may be on this node: wait for it a moment
    bool reported = true;      // a span of it will be sent, as far as known
    std::optional<Traceparent> header{};
    std::int64_t offset_ns = 0;
  };

  ParentLinks(LinkLimits limits, ResolvedSink& sink) : limits_(limits), sink_(sink) {}

  void OnBegin(std::uint64_t key, const Begin& begin, std::uint64_t now_ns);

  // The exchange ended and shall become a span. kResolved: its place is known and `exchange`
  // untouched. kHeld: it waits, `exchange` is moved from, OnResolved follows. kUnknown: OnBegin did
  // not happen or was refused; see Untracked. Others that waited for it may come out by OnResolved
  // in here.
  enum class End : std::uint8_t { kResolved, kHeld, kUnknown };
  End OnEnd(std::uint64_t key, connection::ObservedExchange& exchange,
            const std::shared_ptr<const Resource>& resource, MetricRef metric, std::uint64_t now_ns,
            Resolution& resolution);
  // The place of an exchange by itself: its header's, or a trace of its own.
  static Resolution Untracked(const Begin& begin);
  // The exchange ended and will not become a span. Nothing is linked to it from now on.
  void OnDropped(std::uint64_t key, std::uint32_t response_tid, std::uint64_t now_ns);

  void OnProcessExit(std::uint32_t pid, std::uint64_t now_ns) {
    threads_.OnProcessExit(pid, now_ns);
  }
  // Gives up what waited too long.
  void Tick(std::uint64_t now_ns);
  // Resolves everything that waits, links or not: at shutdown.
  void ReleaseAll();

  std::size_t held() const { return held_count_; }
  std::size_t open() const { return by_key_.size(); }
  const LinkCounts& counts() const { return counts_; }
  // True if the process has an open server exchange that came with this parent id.
  bool HasOpenServerWithParent(std::uint32_t pid, const SpanId& parent_id) const;

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = ThreadLinks::kNone;

  struct Node {
    std::uint64_t key = 0;
    std::uint64_t begin_ns = 0;
    std::uint32_t generation = 0;
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    Identity identity{};
    TraceContext
        context{};  // final once `decided`; offset_ns and (with a header) the trace from the start
    SpanId header_parent{};
    SpanId parent{};            // client, once decided
    Slot above = kNone;         // client: the server exchange whose end decides, while it lives
    Slot peer = kNone;          // the other end, while it lives
    std::vector<Slot> below{};  // server: clients with `above` == this one
    std::unique_ptr<HeldExchange> held{};
    std::size_t held_bytes = 0;
    bool server = false;
    bool stream = false;
    bool in_use = false;
    bool has_header = false;
    bool maybe_local = false;
    bool reported = true;
    bool ended = false;
    bool decided = false;        // the trace is final
    bool thread_proven = false;  // client: `above` ended and is its parent
    bool same_thread = false;    // client: asked and answered by one thread
    bool peer_known = false;     // server: the client's end was seen
    bool peer_reported = false;  // server: and has a span
    bool grace_over = false;     // server: no client's end will come
    bool in_wires = false;
  };

  struct Wire {
    Slot client = kNone;
    Slot server = kNone;
    bool lingering = false;  // the client ended; what follows is what was decided of it
    bool reported = false;
    bool ambiguous = false;
    std::uint64_t stamp = 0;  // of its entry in lingering_
    TraceContext context{};
  };
  struct WireHash {
    std::size_t operator()(const WireId& id) const;
  };
  struct Timer {
    Slot slot = kNone;
    std::uint32_t generation = 0;
    std::uint64_t due_ns = 0;
  };

  Slot Allocate(std::uint64_t key);
  void Free(Slot slot);
  void BeginOnThread(Slot server, std::uint64_t now_ns);
  bool EndOnThread(Slot slot, std::uint32_t response_tid, std::uint64_t now_ns);
  void JoinWire(Slot slot);
  void Bind(Node& server, const Node& client);
  void DetachBelow(Node& server, bool proven);
  void RemoveFromAbove(Slot slot);
  void Unlink(Slot client);
  void DecideAlone(Node& client);
  void Decide(Slot slot);
  void Drain();
  bool TryDecide(Node& node);
  bool Ready(const Node& node) const;
  Resolution Resolve(const Node& node) const;
  void GiveUp(Slot slot);
  void EnforceBounds();
  void PruneTimers(std::deque<Timer>& timers);
  bool Waits(const Timer& timer) const;

  LinkLimits limits_;
  ResolvedSink& sink_;
  ThreadLinks threads_;
  std::vector<std::unique_ptr<Node[]>> blocks_;  // of kBlock nodes: slots never move
  std::vector<Slot> free_;
  Slot next_slot_ = 0;
  FlatMap<std::uint64_t, Slot> by_key_;
  FlatMap<WireId, Wire, WireHash> wires_;
  std::deque<std::pair<WireId, std::uint64_t>>
      lingering_;  // with the stamp that its Wire must still have
  std::uint64_t stamp_ = 0;
  std::deque<Timer> holds_;
  std::deque<Timer> graces_;
  std::vector<Slot> work_;  // nodes to look at again
  std::size_t held_count_ = 0;
  std::size_t held_bytes_ = 0;
  LinkCounts counts_{};

  static constexpr Slot kBlock = 256;
  Node& at(Slot slot) { return blocks_[slot / kBlock][slot % kBlock]; }
  const Node& at(Slot slot) const { return blocks_[slot / kBlock][slot % kBlock]; }
};

}  // namespace wirespan::span
