#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/flat_map.h"
#include "gateway/sink/store/trace_id.h"

namespace wirespan::gateway::store::rates {

// A call as the span of who made it tells it.
struct Outgoing {
  std::string_view peer{};  // what it called; empty: not known
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  bool error = false;
};

// A span whose parent is of another service; or of the same one, if it answers an outgoing call.
struct Call {
  std::string_view client{};  // views end with the visit
  std::string_view server{};
  std::uint64_t start_ns = 0;  // of the span that was called
  std::uint64_t duration_ns = 0;
  bool error = false;
  const Outgoing* outgoing = nullptr;  // null: not known, or visited already
};

// The spans of the last minute or two. Tells which came already, and finds calls between services:
// their two ends come in any order, seldom in one request, so either waits for the other. A call is
// visited once, when its second end has come. Bounded: spans are kept in two generations, and when
// one is full or old the one before it is forgotten. Not thread-safe.
class RecentSpans {
 public:
  struct Child {
    std::uint64_t parent = 0;  // span id
    std::uint64_t start_ns = 0;
    std::uint64_t duration_ns = 0;
    bool error = false;
    bool serves = false;  // it answers a call: SERVER or CONSUMER
  };
  using Visit = std::function<void(const Call& call)>;

  // `max_spans`: of both generations together.
  explicit RecentSpans(std::size_t max_spans) : max_of_generation_(max_spans / 2) {}

  bool Holds(const SpanKey& key) const;

  // Visits the calls of those that waited for this one as their parent. `outgoing`: if it is a
  // call.
  void AddSpan(const SpanKey& key, std::string_view service, std::uint64_t now_ns,
               const Visit& visit, const Outgoing& outgoing = {});
  // A span with a parent came: visits the call if that is known, else waits.
  void AddChild(const TraceId& trace, const Child& child, std::string_view service,
                const Visit& visit);

  std::uint64_t forgotten() const { return forgotten_; }  // children whose parent never came
  std::size_t bytes() const;                              // (about) of memory

 private:
  struct Key {
    TraceId trace{};
    std::uint64_t span = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <class H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.trace, key.span);
    }
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Parent {
    std::uint32_t service = 0;
    std::uint32_t kinds : 8 = 0;      // a bit each: both ends of a call may have one id
    std::uint32_t outgoing : 24 = 0;  // in `outgoing`, one more; 0: none
  };
  struct Made {
    std::uint64_t start_ns = 0;
    std::uint64_t duration_ns = 0;
    std::uint32_t peer = 0;  // in `services`
    bool error = false;
    bool answered = false;
  };
  struct Waiting {
    Child child{};
    std::uint32_t service = 0;
    std::uint32_t next = kNone;  // waits for the same parent
  };
  struct Generation {
    StringMap<std::uint32_t> service_ids{};
    std::vector<std::string> services{};  // and peers
    FlatMap<Key, Parent> parents{};
    FlatMap<Key, std::uint32_t> first_child{};  // in `waiting`
    std::vector<Waiting> waiting{};
    std::vector<Made> outgoing{};
    std::uint64_t children = 0;  // that wait still
    std::uint64_t first_ns = 0;

    std::uint32_t ServiceId(std::string_view service);
  };

  void Rotate();
  // The children in `generation` that wait for the span `key`, whose parent's side is `parent`.
  void Claim(Generation& generation, const Key& key, Parent parent, const Visit& visit);
  static void Join(Generation& generation, Parent parent, std::string_view server,
                   const Child& child, const Visit& visit);

  const std::size_t max_of_generation_;
  Generation current_{};
  Generation before_{};
  std::uint64_t forgotten_ = 0;
};

}  // namespace wirespan::gateway::store::rates
