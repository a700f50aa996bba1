#include "agent/span/parent_links.h"

#include <algorithm>
#include <cstring>

namespace wirespan::span {
namespace {

std::size_t HeapBytes(const protocol::Exchange& exchange) {
  std::size_t bytes = sizeof(HeldExchange) + exchange.texts.heap_bytes();
  for (const Text* text :
       {&exchange.method, &exchange.target, &exchange.host, &exchange.user_agent,
        &exchange.traceparent, &exchange.tracestate, &exchange.forwarded, &exchange.x_forwarded_for,
        &exchange.x_forwarded_host, &exchange.x_forwarded_proto, &exchange.request_content_type,
        &exchange.response_content_type, &exchange.upgrade, &exchange.proxy_client_address,
        &exchange.scheme}) {
    bytes += text->heap_bytes();
  }
  if (exchange.rpc) bytes += exchange.rpc->message.heap_bytes();
  return bytes;
}

}  // namespace

std::size_t ParentLinks::WireHash::operator()(const WireId& id) const {
  std::size_t half;  // the id is a hash already
  std::memcpy(&half, id.data(), sizeof half);
  return half;
}

ParentLinks::Slot ParentLinks::Allocate(std::uint64_t key) {
  const auto [entry, inserted] = by_key_.try_emplace(key, kNone);
  if (!inserted) return kNone;  // a key is used once; whatever this is, it gets no links
  if (by_key_.size() > limits_.max_open) {
    by_key_.erase(entry);
    return kNone;
  }
  Slot slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    slot = next_slot_++;
    if (slot % kBlock == 0) blocks_.push_back(std::make_unique<Node[]>(kBlock));
  }
  entry->second = slot;
  Node& node = at(slot);
  node.key = key;
  node.in_use = true;
  return slot;
}

void ParentLinks::OnBegin(std::uint64_t key, const Begin& begin, std::uint64_t now_ns) {
  const Slot slot = Allocate(key);
  if (slot == kNone) {
    ++counts_.untracked;
    return;
  }
  Node& node = at(slot);
  node.begin_ns = now_ns;
  node.pid = begin.pid;
  node.tid = begin.tid;
  node.server = begin.side == protocol::Side::kServer;
  node.stream = begin.stream;
  node.identity = begin.identity;
  node.maybe_local = begin.maybe_local && begin.identity.kind != WireKind::kNone;
  node.reported = begin.reported;
  node.context.offset_ns = begin.offset_ns;
  if (begin.header) {
    node.has_header = true;
    node.header_parent = begin.header->parent_id;
    node.context.trace_id = begin.header->trace_id;
    node.context.flags = begin.header->flags;
    node.context.remote = true;
  }
  if (node.server) {
    BeginOnThread(slot, now_ns);
    // The header alone decides a server's trace; only the offset may still come from the other end.
    node.decided = node.has_header;
  } else {
    const Slot above = node.stream ? kNone : threads_.BeginClient(node.pid, node.tid, now_ns);
    if (above != kNone) {
      Node& server = at(above);
      const bool other_trace =
          node.has_header && server.has_header && node.context.trace_id != server.context.trace_id;
      if (server.in_use && server.server && !server.ended && server.reported && node.reported &&
          !other_trace) {
        node.above = above;
        server.below.push_back(slot);
      }
    }
    if (node.above == kNone) DecideAlone(node);
  }
  if (node.identity.kind != WireKind::kNone) JoinWire(slot);
  Drain();
}

void ParentLinks::BeginOnThread(Slot server, std::uint64_t now_ns) {
  const Node& node = at(server);
  if (node.stream) {
    threads_.CarryStream(node.pid, node.tid, now_ns);
  } else {
    threads_.BeginServer(node.pid, node.tid, server, now_ns);
  }
}

// True: of a server, that the calls below it are its own; of a client, that one thread carried it.
bool ParentLinks::EndOnThread(Slot slot, std::uint32_t response_tid, std::uint64_t now_ns) {
  const Node& node = at(slot);
  if (node.server && node.stream) threads_.EndStream(node.pid, node.tid, response_tid, now_ns);
  if (node.stream) return false;
  return node.server ? threads_.EndServer(node.pid, node.tid, response_tid, slot, now_ns)
                     : threads_.EndClient(node.pid, node.tid, response_tid, now_ns);
}

void ParentLinks::JoinWire(Slot slot) {
  Node& node = at(slot);
  const auto [entry, inserted] = wires_.try_emplace(node.identity.wire_id);
  Wire& wire = entry->second;
  if (wire.ambiguous) return;
  const bool client_taken = wire.client != kNone || wire.lingering;
  if (node.server ? wire.server != kNone : client_taken) {
    // The name is not unique, so it proves nothing.
    ++counts_.ambiguous;
    wire.ambiguous = true;
    return;
  }
  if (node.server) {
    if (wire.client != kNone) {
      Bind(node, at(wire.client));
      node.peer = wire.client;
      at(wire.client).peer = slot;
      at(wire.client).in_wires = false;
    } else if (wire.lingering) {
      node.peer_known = true;
      node.peer_reported = wire.reported;
      node.context.offset_ns = wire.context.offset_ns;
      if (!node.has_header) {
        node.context = wire.context;
        node.decided = true;
      }
    } else {
      wire.server = slot;
      node.in_wires = true;
      return;
    }
    wires_.erase(entry);
    return;
  }
  if (wire.server == kNone) {
    wire.client = slot;
    node.in_wires = true;
    return;
  }
  Node& server = at(wire.server);
  Bind(server, node);
  server.peer = slot;
  server.in_wires = false;
  node.peer = wire.server;
  work_.push_back(wire.server);
  wires_.erase(entry);
}

void ParentLinks::Bind(Node& server, const Node& client) {
  server.peer_known = true;
  server.peer_reported = client.reported;
  if (client.decided) {
    server.context.offset_ns = client.context.offset_ns;
    if (!server.has_header) {
      server.context = client.context;
      server.decided = true;
    }
  }
}

// A client without a parent in its process.
void ParentLinks::DecideAlone(Node& client) {
  if (!client.has_header) {
    client.context.trace_id = DerivedTraceId(client.identity.wire_id);
    client.context.flags = 1;
    client.context.remote = false;
  }
  client.parent = client.has_header ? client.header_parent : SpanId{};
  client.decided = true;
}

ParentLinks::End ParentLinks::OnEnd(std::uint64_t key, connection::ObservedExchange& exchange,
                                    const std::shared_ptr<const Resource>& resource,
                                    MetricRef metric, std::uint64_t now_ns,
                                    Resolution& resolution) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || at(found->second).ended) return End::kUnknown;
  const Slot slot = found->second;
  Node& node = at(slot);
  node.ended = true;
  const std::uint32_t response_tid = exchange.exchange.response_tid;
  if (node.server) {
    const bool proven = EndOnThread(slot, response_tid, now_ns) && node.reported;
    DetachBelow(node, proven);
    TryDecide(node);
  } else {
    node.same_thread = EndOnThread(slot, response_tid, now_ns);
    if (node.above != kNone && !node.same_thread) Unlink(slot);
  }
  if (Ready(node)) {
    resolution = Resolve(node);
    work_.push_back(slot);  // those below and the other end get theirs; then it is freed
    Drain();
    return End::kResolved;
  }
  node.held.reset(new HeldExchange{std::move(exchange), resource, metric});
  node.held_bytes = HeapBytes(node.held->observed.exchange);
  ++held_count_;
  held_bytes_ += node.held_bytes;
  const auto hold = static_cast<std::uint64_t>(limits_.max_hold.count());
  const auto grace = static_cast<std::uint64_t>(limits_.peer_grace.count());
  if (node.server && !node.peer_known) graces_.push_back({slot, node.generation, now_ns + grace});
  holds_.push_back({slot, node.generation, now_ns + hold});
  work_.push_back(slot);  // its calls may have got their trace
  Drain();
  EnforceBounds();
  return End::kHeld;
}

void ParentLinks::OnDropped(std::uint64_t key, std::uint32_t response_tid, std::uint64_t now_ns) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || at(found->second).ended) return;
  const Slot slot = found->second;
  Node& node = at(slot);
  node.ended = true;
  node.reported = false;
  EndOnThread(slot, response_tid, now_ns);
  if (node.server) {
    DetachBelow(node, false);
    node.grace_over = true;
    if (!node.decided) TryDecide(node);
    if (!node.decided) {  // nobody needs its trace: end it here
      node.context.trace_id = DerivedTraceId(node.identity.wire_id);
      node.decided = true;
    }
  } else {
    if (node.above != kNone) Unlink(slot);
    if (node.peer != kNone) at(node.peer).peer_reported = false;
  }
  work_.push_back(slot);
  Drain();
}

// The server exchange ended: its calls either belong to it or stand alone.
void ParentLinks::DetachBelow(Node& server, bool proven) {
  if (server.below.empty()) return;
  std::vector<Slot> kept;
  for (const Slot slot : server.below) {
    Node& client = at(slot);
    // A call that is still open was not waited for.
    if (proven && client.ended && client.same_thread && client.reported) {
      client.thread_proven = true;
      kept.push_back(slot);
      continue;
    }
    ++counts_.thread_refused;
    client.above = kNone;
    DecideAlone(client);
    work_.push_back(slot);
  }
  server.below = std::move(kept);
}

void ParentLinks::RemoveFromAbove(Slot slot) {
  Node& client = at(slot);
  if (client.above == kNone) return;
  auto& below = at(client.above).below;
  const auto place = std::find(below.begin(), below.end(), slot);
  if (place != below.end()) {
    *place = below.back();
    below.pop_back();
  }
  client.above = kNone;
}

void ParentLinks::Unlink(Slot slot) {
  RemoveFromAbove(slot);
  Node& client = at(slot);
  client.thread_proven = false;
  if (!client.decided) DecideAlone(client);
  work_.push_back(slot);
}

// Gives an ended server without a header its trace, if it is known by now.
bool ParentLinks::TryDecide(Node& node) {
  if (node.decided || !node.server || !node.ended) return node.decided;
  if (node.peer_known) {
    if (node.peer == kNone || !at(node.peer).decided) return false;  // Bind or Decide hand it down
    node.context = at(node.peer).context;
  } else if (node.maybe_local && !node.grace_over) {
    return false;
  } else {
    node.context.trace_id = DerivedTraceId(node.identity.wire_id);
    node.context.flags = 1;
    node.context.remote = false;
  }
  node.decided = true;
  return true;
}

// Hands a final trace down one step.
void ParentLinks::Decide(Slot slot) {
  Node& node = at(slot);
  if (!node.server) {
    if (node.peer == kNone) return;
    Node& server = at(node.peer);
    server.peer_reported = node.reported;
    if (!server.decided) {
      server.context = node.context;
      server.decided = true;
    }
    work_.push_back(node.peer);
    return;
  }
  if (!node.ended) return;  // its calls wait for its end
  for (const Slot below : node.below) {
    Node& client = at(below);
    client.above = kNone;
    const bool other_trace = client.has_header && client.context.trace_id != node.context.trace_id;
    if (other_trace) {
      DecideAlone(client);
    } else {
      const std::uint8_t own_flags = client.context.flags;
      client.context = node.context;
      if (client.has_header) {
        client.context.flags = own_flags;
        client.context.remote = true;
      }
      client.parent = ServerSpanId(node.identity.wire_id);
      client.decided = true;
    }
    if (other_trace) client.thread_proven = false;
    work_.push_back(below);
  }
  node.below.clear();
}

bool ParentLinks::Ready(const Node& node) const {
  if (!node.ended || !node.decided) return false;
  return !node.server || node.peer_known || !node.maybe_local || node.grace_over;
}

Resolution ParentLinks::Resolve(const Node& node) const {
  Resolution resolution{node.identity, node.context, {}, ParentMethod::kNone};
  if (node.server) {
    if (node.peer_known && node.peer_reported) {
      resolution.parent_id = ClientSpanId(node.identity.wire_id);
      resolution.method = ParentMethod::kWire;
    } else if (node.has_header) {
      resolution.parent_id = node.header_parent;
      resolution.method = ParentMethod::kHeader;
    }
    return resolution;
  }
  resolution.parent_id = node.parent;
  if (node.thread_proven) {
    resolution.method = ParentMethod::kThread;
  } else if (node.has_header) {
    resolution.method = ParentMethod::kHeader;
  }
  return resolution;
}

// Looks again at all nodes whose surroundings changed, until nothing changes: hands traces down,
// lets out what waited.
void ParentLinks::Drain() {
  while (!work_.empty()) {
    const Slot slot = work_.back();
    work_.pop_back();
    Node& node = at(slot);
    if (!node.in_use) continue;
    TryDecide(node);
    if (node.decided) Decide(slot);
    const bool dropped = node.ended && !node.reported && node.held == nullptr;
    if (!dropped && !Ready(node)) continue;
    if (dropped && !node.decided) continue;
    std::unique_ptr<HeldExchange> held = std::move(node.held);
    if (held != nullptr) {
      --held_count_;
      held_bytes_ -= node.held_bytes;
      const Resolution resolution = Resolve(node);
      Free(slot);
      sink_.OnResolved(std::move(*held), resolution);
    } else {
      Free(slot);
    }
  }
}

void ParentLinks::Free(Slot slot) {
  Node& node = at(slot);
  by_key_.erase(node.key);
  if (node.above != kNone) RemoveFromAbove(slot);
  if (node.peer != kNone) at(node.peer).peer = kNone;
  if (node.in_wires) {
    const auto entry = wires_.find(node.identity.wire_id);
    if (entry != wires_.end()) {
      Wire& wire = entry->second;
      if (node.server || limits_.max_lingering == 0) {
        if ((node.server ? wire.server : wire.client) == slot) wires_.erase(entry);
      } else if (wire.client == slot) {
        // Its server end may yet be read.
        wire.client = kNone;
        wire.lingering = true;
        wire.reported = node.reported;
        wire.context = node.context;
        wire.stamp = ++stamp_;
        lingering_.emplace_back(node.identity.wire_id, wire.stamp);
        if (lingering_.size() > limits_.max_lingering) {
          const auto oldest = wires_.find(lingering_.front().first);
          if (oldest != wires_.end() && oldest->second.stamp == lingering_.front().second)
            wires_.erase(oldest);
          lingering_.pop_front();
        }
      }
    }
  }
  const std::uint32_t generation = node.generation + 1;
  std::vector<Slot> below = std::move(node.below);
  below.clear();
  node = Node{};
  node.below = std::move(below);  // keeps its memory
  node.generation = generation;
  free_.push_back(slot);
}

// Resolves a waiting node without what it waited for.
void ParentLinks::GiveUp(Slot slot) {
  Node& node = at(slot);
  node.grace_over = true;
  if (!node.server) {
    Unlink(slot);
  } else {
    if (!node.decided && node.peer != kNone && !at(node.peer).decided) {
      // What it waits for is the client's end, which waits in turn: that one is given up, for both
      // to agree.
      Unlink(node.peer);
    }
    work_.push_back(slot);
  }
  Drain();
  if (at(slot).in_use &&
      at(slot).held != nullptr) {  // only if links run in a circle, which time forbids
    Node& stuck = at(slot);
    stuck.context.trace_id = DerivedTraceId(stuck.identity.wire_id);
    stuck.decided = true;
    work_.push_back(slot);
    Drain();
  }
}

bool ParentLinks::Waits(const Timer& timer) const {
  const Node& node = at(timer.slot);
  return node.generation == timer.generation && node.held != nullptr;
}

// Timers of what came out in time lie about until due: not more of them than of those that count.
void ParentLinks::PruneTimers(std::deque<Timer>& timers) {
  if (timers.size() < 1024 || timers.size() < 4 * held_count_) return;
  std::erase_if(timers, [this](const Timer& timer) { return !Waits(timer); });
}

void ParentLinks::EnforceBounds() {
  PruneTimers(holds_);
  PruneTimers(graces_);
  while ((held_count_ > limits_.max_held || held_bytes_ > limits_.max_held_bytes) &&
         !holds_.empty()) {
    const Timer timer = holds_.front();
    holds_.pop_front();
    if (!Waits(timer)) continue;
    ++counts_.released_full;
    GiveUp(timer.slot);
  }
}

void ParentLinks::Tick(std::uint64_t now_ns) {
  while (!graces_.empty() && graces_.front().due_ns <= now_ns) {
    const Timer timer = graces_.front();
    graces_.pop_front();
    if (!Waits(timer) || at(timer.slot).peer_known) continue;
    at(timer.slot).grace_over = true;
    work_.push_back(timer.slot);
    Drain();
  }
  while (!holds_.empty()) {
    const Timer timer = holds_.front();
    const bool waits = Waits(timer);
    if (waits && timer.due_ns > now_ns) break;
    holds_.pop_front();
    if (!waits) continue;
    ++counts_.released_age;
    GiveUp(timer.slot);
  }
  threads_.Tick(now_ns);
}

void ParentLinks::ReleaseAll() {
  while (!holds_.empty()) {
    const Timer timer = holds_.front();
    holds_.pop_front();
    if (!Waits(timer)) continue;
    GiveUp(timer.slot);
  }
}

bool ParentLinks::HasOpenServerWithParent(std::uint32_t pid, const SpanId& parent_id) const {
  return std::any_of(by_key_.begin(), by_key_.end(), [&](const auto& entry) {
    const Node& node = at(entry.second);
    return node.server && node.pid == pid && node.has_header && node.header_parent == parent_id;
  });
}

Resolution ParentLinks::Untracked(const Begin& begin) {
  Resolution resolution{begin.identity, {}, {}, ParentMethod::kNone};
  resolution.context.offset_ns = begin.offset_ns;
  if (begin.header) {
    resolution.context.trace_id = begin.header->trace_id;
    resolution.context.flags = begin.header->flags;
    resolution.context.remote = true;
    resolution.parent_id = begin.header->parent_id;
    resolution.method = ParentMethod::kHeader;
  } else {
    resolution.context.trace_id = DerivedTraceId(begin.identity.wire_id);
  }
  return resolution;
}

}  // namespace wirespan::span
