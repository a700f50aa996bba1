#include "gateway/sink/store/rates/recent_spans.h"

#include <utility>

namespace wirespan::gateway::store::rates {

namespace {

constexpr std::uint64_t kGenerationNs = 60'000'000'000;

constexpr std::uint32_t kMaxOutgoing = (1u << 24) - 1;  // of a generation

// OTLP has six; all that it has not share a bit.
std::uint32_t KindBit(std::uint64_t kind) { return 1u << (kind < 7 ? kind : 7); }

}  // namespace

std::uint32_t RecentSpans::Generation::ServiceId(std::string_view service) {
  if (const auto known = service_ids.find(service); known != service_ids.end()) {
    return known->second;
  }
  const auto id = static_cast<std::uint32_t>(services.size());
  services.emplace_back(service);
  service_ids.emplace(service, id);
  return id;
}

void RecentSpans::Rotate() {
  forgotten_ += before_.children;
  before_ = std::exchange(current_, {});
}

// `parent` is of `generation`.
void RecentSpans::Join(Generation& generation, Parent parent, std::string_view server,
                       const Child& child, const Visit& visit) {
  const std::string_view client = generation.services[parent.service];
  Made* made = parent.outgoing > 0 ? &generation.outgoing[parent.outgoing - 1] : nullptr;
  const bool answers = made != nullptr && (child.serves || client != server);
  if (client == server && !answers) return;
  Outgoing outgoing;
  const bool first = answers && !std::exchange(made->answered, true);
  if (first) {
    outgoing = {.peer = generation.services[made->peer],
                .start_ns = made->start_ns,
                .duration_ns = made->duration_ns,
                .error = made->error};
  }
  if (client == server && !first) return;
  visit({.client = client,
         .server = server,
         .start_ns = child.start_ns,
         .duration_ns = child.duration_ns,
         .error = child.error,
         .outgoing = first ? &outgoing : nullptr});
}

void RecentSpans::Claim(Generation& generation, const Key& key, Parent parent, const Visit& visit) {
  const auto found = generation.first_child.find(key);
  if (found == generation.first_child.end()) return;
  for (std::uint32_t at = found->second; at != kNone; at = generation.waiting[at].next) {
    const Waiting& waiting = generation.waiting[at];
    --generation.children;
    Join(current_, parent, generation.services[waiting.service], waiting.child, visit);
  }
  generation.first_child.erase(found);
}

void RecentSpans::AddSpan(const SpanKey& span, std::string_view service, std::uint64_t now_ns,
                          const Visit& visit, const Outgoing& outgoing) {
  const bool old = current_.first_ns > 0 && now_ns > current_.first_ns + kGenerationNs;
  if (old || current_.parents.size() + current_.waiting.size() >= max_of_generation_) Rotate();
  if (current_.first_ns == 0) current_.first_ns = now_ns;
  const Key key{span.trace, span.span};
  const auto [parent, added] = current_.parents.try_emplace(key);
  if (added) parent->second.service = current_.ServiceId(service);
  parent->second.kinds = static_cast<std::uint8_t>(parent->second.kinds | KindBit(span.kind));
  if (!outgoing.peer.empty() && current_.outgoing.size() < kMaxOutgoing) {
    current_.outgoing.push_back({.start_ns = outgoing.start_ns,
                                 .duration_ns = outgoing.duration_ns,
                                 .peer = current_.ServiceId(outgoing.peer),
                                 .error = outgoing.error});
    parent->second.outgoing = static_cast<std::uint32_t>(current_.outgoing.size() & kMaxOutgoing);
  }
  const Parent known = parent->second;
  Claim(current_, key, known, visit);
  Claim(before_, key, known, visit);
}

void RecentSpans::AddChild(const TraceId& trace, const Child& child, std::string_view service,
                           const Visit& visit) {
  const Key key{trace, child.parent};
  for (Generation* generation : {&current_, &before_}) {
    const auto parent = generation->parents.find(key);
    if (parent == generation->parents.end()) continue;
    return Join(*generation, parent->second, service, child, visit);
  }
  const auto at = static_cast<std::uint32_t>(current_.waiting.size());
  const auto [first, added] = current_.first_child.try_emplace(key, at);
  current_.waiting.push_back(
      {.child = child, .service = current_.ServiceId(service), .next = kNone});
  if (!added) current_.waiting.back().next = std::exchange(first->second, at);
  ++current_.children;
}

bool RecentSpans::Holds(const SpanKey& span) const {
  for (const Generation* generation : {&current_, &before_}) {
    const auto parent = generation->parents.find(Key{span.trace, span.span});
    if (parent != generation->parents.end() && (parent->second.kinds & KindBit(span.kind)) != 0) {
      return true;
    }
  }
  return false;
}

std::size_t RecentSpans::bytes() const {
  std::size_t sum = 0;
  for (const Generation* generation : {&current_, &before_}) {
    constexpr std::size_t kEntry = sizeof(std::pair<Key, Parent>) + 1;
    sum += (generation->parents.capacity() + generation->first_child.capacity()) * kEntry +
           generation->waiting.capacity() * sizeof(Waiting) +
           generation->outgoing.capacity() * sizeof(Made);
    for (const std::string& service : generation->services) sum += 2 * service.capacity() + 96;
  }
  return sum;
}

}  // namespace wirespan::gateway::store::rates
