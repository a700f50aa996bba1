#include "gateway/sink/store/rates/recent_spans.h"

#include <utility>

namespace wirespan::gateway::store::rates {

namespace {

constexpr std::uint64_t kGenerationNs = 60'000'000'000;

std::uint32_t KindBit(std::uint64_t kind) { return 1u << (kind < 31 ? kind : 31); }

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

void RecentSpans::Claim(Generation& generation, const Key& key, std::string_view service,
                        const Visit& visit) {
  const auto found = generation.first_child.find(key);
  if (found == generation.first_child.end()) return;
  for (std::uint32_t at = found->second; at != kNone; at = generation.waiting[at].next) {
    const Waiting& waiting = generation.waiting[at];
    --generation.children;
    const std::string_view server = generation.services[waiting.service];
    if (server == service) continue;
    visit({.client = service,
           .server = server,
           .start_ns = waiting.child.start_ns,
           .duration_ns = waiting.child.duration_ns,
           .error = waiting.child.error});
  }
  generation.first_child.erase(found);
}

void RecentSpans::AddSpan(const SpanKey& span, std::string_view service, std::uint64_t now_ns,
                          const Visit& visit) {
  const bool old = current_.first_ns > 0 && now_ns > current_.first_ns + kGenerationNs;
  if (old || current_.parents.size() + current_.waiting.size() >= max_of_generation_) Rotate();
  if (current_.first_ns == 0) current_.first_ns = now_ns;
  const Key key{span.trace, span.span};
  const auto [parent, added] = current_.parents.try_emplace(key);
  if (added) parent->second.service = current_.ServiceId(service);
  parent->second.kinds |= KindBit(span.kind);
  Claim(current_, key, service, visit);
  Claim(before_, key, service, visit);
}

void RecentSpans::AddChild(const TraceId& trace, const Child& child, std::string_view service,
                           const Visit& visit) {
  const Key key{trace, child.parent};
  for (const Generation* generation : {&current_, &before_}) {
    const auto parent = generation->parents.find(key);
    if (parent == generation->parents.end()) continue;
    const std::string_view client = generation->services[parent->second.service];
    if (client == service) return;
    return visit({.client = client,
                  .server = service,
                  .start_ns = child.start_ns,
                  .duration_ns = child.duration_ns,
                  .error = child.error});
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
           generation->waiting.capacity() * sizeof(Waiting);
    for (const std::string& service : generation->services) sum += 2 * service.capacity() + 96;
  }
  return sum;
}

}  // namespace wirespan::gateway::store::rates
