// Searches over random spans, in tables and blocks, beside a plain walk over all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <random>

#include "gateway/sink/store/trace_store.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::store {
namespace {

using testing::TestSpan;

class Oracle {
 public:
  void Add(const TestSpan& span) { spans_.push_back(span); }

  std::vector<TraceId> Search(const TraceQuery& query) const {
    std::map<TraceId, std::uint64_t> latest;
    for (const TestSpan& span : spans_) {
      if (!Matches(span, query)) continue;
      auto& start = latest[testing::IdOf(span)];
      start = std::max(start, span.start_ns);
    }
    std::vector<std::pair<std::uint64_t, TraceId>> order;
    for (const auto& [id, start] : latest) order.emplace_back(start, id);
    std::sort(order.rbegin(), order.rend());
    std::vector<TraceId> ids;
    for (const auto& [start, id] : order) {
      if (ids.size() < query.limit) ids.push_back(id);
    }
    return ids;
  }

  std::size_t SpansOf(const TraceId& id) const {
    return static_cast<std::size_t>(std::count_if(
        spans_.begin(), spans_.end(), [&](const auto& s) { return testing::IdOf(s) == id; }));
  }

 private:
  static bool HasTag(const TestSpan& span, const std::string& key, const std::string& value) {
    if (key == "error") return span.error == (value == "true");
    if (key == "span.kind") return value == (span.kind == 2 ? "server" : "client");
    if (key == "host.name") return value == "host-of-" + span.service;
    for (const auto& [name, text] : span.texts) {
      if (name == key && text == value) return true;
    }
    for (const auto& [name, number] : span.numbers) {
      if (name == key && std::to_string(number) == value) return true;
    }
    return false;
  }
  static bool Matches(const TestSpan& span, const TraceQuery& query) {
    return (query.service.empty() || span.service == query.service) &&
           (query.operation.empty() || span.name == query.operation) &&
           span.start_ns >= query.start_min_ns && span.start_ns <= query.start_max_ns &&
           span.duration_ns >= query.duration_min_ns && span.duration_ns <= query.duration_max_ns &&
           std::all_of(query.tags.begin(), query.tags.end(),
                       [&](const auto& tag) { return HasTag(span, tag.first, tag.second); });
  }

  std::vector<TestSpan> spans_{};
};

TestSpan RandomSpan(std::mt19937_64& random, std::uint64_t number) {
  return {.trace = random() % 400,
          .id = number,
          .service = "svc-" + std::to_string(random() % 7),
          .name = "op-" + std::to_string(random() % 9),
          .kind = random() % 2 + 2,
          .start_ns = testing::kStartNs + number * 1000 + random() % 900,  // no two are equal
          .duration_ns = random() % 1000 == 0 ? 5'000'000'000 : random() % 10'000'000,
          .error = random() % 20 == 0,
          .texts = {{"user", std::to_string(random() % 300)}, {"zone", random() % 2 ? "a" : "b"}},
          .numbers = {{"code", static_cast<std::int64_t>(200 + random() % 5)}}};
}

TraceQuery RandomQuery(std::mt19937_64& random) {
  TraceQuery query{.limit = random() % 40 + 1};
  const auto one_in = [&](std::uint64_t n) { return random() % n == 0; };
  if (!one_in(5)) query.service = "svc-" + std::to_string(random() % 8);
  if (one_in(3)) query.operation = "op-" + std::to_string(random() % 10);
  if (one_in(3)) query.tags.emplace_back("user", std::to_string(random() % 310));
  if (one_in(4)) query.tags.emplace_back("code", std::to_string(200 + random() % 6));
  if (one_in(4)) query.tags.emplace_back("zone", "a");
  if (one_in(6)) query.tags.emplace_back("error", one_in(2) ? "true" : "false");
  if (one_in(6)) query.tags.emplace_back("span.kind", one_in(2) ? "server" : "client");
  if (one_in(8))
    query.tags.emplace_back("host.name", "host-of-svc-" + std::to_string(random() % 7));
  if (one_in(3)) query.start_min_ns = testing::kStartNs + random() % 4'000'000;
  if (one_in(3)) query.start_max_ns = testing::kStartNs + random() % 4'000'000;
  if (one_in(4)) query.duration_min_ns = random() % 10'000'000;
  if (one_in(10)) query.duration_min_ns = 1'000'000'000;
  if (one_in(4)) query.duration_max_ns = random() % 10'000'000;
  return query;
}

TEST(SearchTest, AgreesWithAPlainWalkOverRandomSpans) {
  const auto folder = std::make_shared<queue::testing::UnsyncedFolder>();
  StoreOptions options{.directory = "test",
                       .max_age = std::chrono::milliseconds(0),
                       .block_spans = 700,
                       .page_spans = 32};
  auto store = TraceStore::Open(folder->Mount(), options).value();
  Oracle oracle;
  std::mt19937_64 random(42);
  std::uint64_t number = 0;
  const auto compare = [&](int queries) {
    for (int i = 0; i < queries; ++i) {
      const TraceQuery query = RandomQuery(random);
      const auto found = store->Search(query, {});
      EXPECT_TRUE(found.complete);
      std::vector<TraceId> ids;
      for (const FoundTrace& trace : found.traces) {
        ids.push_back(trace.id);
        ASSERT_EQ(trace.count, oracle.SpansOf(trace.id));  // whole traces
      }
      ASSERT_EQ(ids, oracle.Search(query)) << "query " << i << " after " << number << " spans";
    }
  };
  for (int round = 0; round < 40; ++round) {
    std::vector<TestSpan> spans;
    for (int i = 0; i < 100; ++i) {
      spans.push_back(RandomSpan(random, ++number));
      oracle.Add(spans.back());
    }
    std::promise<Result<>> written;
    store->Append(testing::Request(spans), [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
    compare(10);
  }
  compare(300);
  store.reset();
  store = TraceStore::Open(folder->Mount(), options).value();
  compare(300);
}

TEST(SearchTest, CallsBetweenServicesAreCountedByMinute) {
  const auto folder = std::make_shared<queue::testing::UnsyncedFolder>();
  const wirespan::testing::FakeClock clock;  // stands at kStartNs
  auto store = TraceStore::Open(folder->Mount(), {.directory = "test"}, clock).value();
  const std::uint64_t minute = testing::kStartNs / 60'000'000'000;
  std::vector<TestSpan> spans = {
      {.trace = 1, .id = 1, .service = "front"},
      {.trace = 1, .id = 2, .parent = 1, .service = "back"},
      {.trace = 1, .id = 3, .parent = 1, .service = "back"},
      {.trace = 2, .id = 4, .parent = 1, .service = "back"},  // another trace: no parent there
      {.trace = 1,
       .id = 5,
       .parent = 2,
       .service = "db",
       .start_ns = (minute + 5) * 60'000'000'000},
  };
  std::promise<Result<>> written;
  store->Append(testing::Request(spans), [&](Result<> result) { written.set_value(result); });
  ASSERT_TRUE(written.get_future().get());
  EXPECT_EQ(store->Calls(minute, minute, {}), (Edges{{{0, "front", "back"}, 2}}));
  EXPECT_EQ(store->Calls(minute, minute + 9, {}),
            (Edges{{{0, "front", "back"}, 2}, {{0, "back", "db"}, 1}}));
}

}  // namespace
}  // namespace wirespan::gateway::store
