#include "gateway/pipeline/probabilistic_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "gateway/pipeline/sampling.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "tests/unit/gateway/pipeline/collected.h"

namespace wirespan::gateway {
namespace {

namespace proto = opentelemetry::proto;
using TraceRequest = proto::collector::trace::v1::ExportTraceServiceRequest;
using LogsRequest = proto::collector::logs::v1::ExportLogsServiceRequest;
using Mode = SamplerOptions::Mode;
using proto::logs::v1::LogRecord;
using proto::trace::v1::Span;

// What comes out for one span or record; nullopt: it was dropped.
template <class Request, class Item>
std::optional<Item> Sample(const SamplerOptions& options, Signal signal, const Item& item,
                           Item* (*add)(Request&), const Item& (*get)(const Request&)) {
  telemetry::Registry registry;
  Collected next;
  ProbabilisticSampler sampler("probabilistic_sampler", options, signal, next, registry);
  Request request;
  *add(request) = item;
  Batch batch;
  batch.signal = signal;
  batch.items = 1;
  batch.bytes = Bytes(request.SerializeAsString());
  sampler.Consume(std::move(batch));
  if (next.size() == 0) return std::nullopt;
  Request after;
  EXPECT_TRUE(after.ParseFromString(next.at(0).bytes.ToString()));
  return get(after);
}
std::optional<Span> SampleSpan(const SamplerOptions& options, const Span& span) {
  return Sample<TraceRequest, Span>(
      options, Signal::kTraces, span,
      [](TraceRequest& r) { return r.add_resource_spans()->add_scope_spans()->add_spans(); },
      [](const TraceRequest& r) -> const Span& {
        return r.resource_spans(0).scope_spans(0).spans(0);
      });
}
std::optional<LogRecord> SampleRecord(const SamplerOptions& options, const LogRecord& record) {
  return Sample<LogsRequest, LogRecord>(
      options, Signal::kLogs, record,
      [](LogsRequest& r) { return r.add_resource_logs()->add_scope_logs()->add_log_records(); },
      [](const LogsRequest& r) -> const LogRecord& {
        return r.resource_logs(0).scope_logs(0).log_records(0);
      });
}

std::string RandomId(std::mt19937_64& random) {
  std::string id(16, '\0');
  for (char& c : id) c = static_cast<char>(random());
  return id;
}

// The decision as the Collector's sampler has made it from its first version on, written anew from
// its description: FNV-1a (32 bits) of the seed's bytes, low ones first, and the id; of the hash
// the low 14 bits; below the percentage's share of 2^14 is sampled.
bool SampledByHash(const std::string& id, std::uint32_t seed, float percentage) {
  std::vector<unsigned> bytes;
  for (unsigned shift : {0u, 8u, 16u, 24u}) bytes.push_back((seed >> shift) & 255u);
  for (char c : id) bytes.push_back(static_cast<unsigned char>(c));
  std::uint64_t hash = 0x811c9dc5;
  for (unsigned byte : bytes) hash = ((hash ^ byte) * 0x01000193) % 0x100000000;
  const float scaled = percentage * 163.84f;
  return hash % 16384 < static_cast<std::uint32_t>(scaled);
}

// Vectors of an FNV-1a written in Python, over the seed's bytes and the id.
TEST(SamplingTest, HashesTheSeedAndTheId) {
  EXPECT_EQ(
      SamplingHash(
          std::string_view("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16),
          0u),
      0xdf241a25u);
  EXPECT_EQ(
      SamplingHash(
          std::string_view("\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36", 16),
          22u),
      0x5610306bu);
  EXPECT_EQ(SamplingHash(std::string_view("", 0), 3735928559u), 0x90879fcbu);
}

TEST(ProbabilisticSamplerTest, DecidesTracesAsTheCollectorByHash) {
  std::mt19937_64 random(3);
  for (const float percentage : {0.01f, 1.0f, 15.3f, 50.0f, 99.99f, 100.0f}) {
    for (const std::uint32_t seed : {0u, 22u, 0xdeadbeefu}) {
      const SamplerOptions options{
          .sampling_percentage = percentage, .hash_seed = seed, .mode = Mode::kHashSeed};
      for (int i = 0; i < 200; ++i) {
        Span span;
        span.set_trace_id(RandomId(random));
        EXPECT_EQ(SampleSpan(options, span).has_value(),
                  SampledByHash(span.trace_id(), seed, percentage))
            << percentage << " " << seed;
      }
    }
  }
}

TEST(ProbabilisticSamplerTest, DecidesAlikeByTheRandomnessThatItWritesDown) {
  std::mt19937_64 random(4);
  const SamplerOptions options{.sampling_percentage = 30, .hash_seed = 5};
  int sampled = 0;
  for (int i = 0; i < 500; ++i) {
    Span span;
    span.set_trace_id(RandomId(random));
    const auto after = SampleSpan(options, span);
    if (!after) continue;
    ++sampled;
    const auto state = TraceState::Parse(after->trace_state());
    ASSERT_TRUE(state && state->randomness && state->threshold);
    EXPECT_GE(*state->randomness, *state->threshold);
    EXPECT_EQ(*state->threshold, *ProbabilisticSampler::BaseThreshold(options));
    EXPECT_EQ(*state->randomness, RandomnessOfHash(span.trace_id(), 5));
  }
  EXPECT_NEAR(sampled, 150, 50);
}

TEST(ProbabilisticSamplerTest, TakesSevenRandomBytesOfTheTraceIdInTheOtherModes) {
  Span span;
  span.set_trace_id(std::string(9, '\x01') + std::string("\x80\0\0\0\0\0\0", 7));  // just half
  SamplerOptions options{.sampling_percentage = 50, .mode = Mode::kProportional};
  auto after = SampleSpan(options, span);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->trace_state(), "ot=th:8");
  options.mode = Mode::kEqualizing;
  ASSERT_TRUE(SampleSpan(options, span));
  span.set_trace_id(std::string(9, '\x01') + std::string("\x7f\xff\xff\xff\xff\xff\xff", 7));
  EXPECT_FALSE(SampleSpan(options, span));
  options.mode = Mode::kProportional;
  EXPECT_FALSE(SampleSpan(options, span));
}

struct StateRow {
  const char* what;
  Mode mode;
  float percentage;
  bool fail_closed;
  const char* before;
  const char* after;  // null: dropped
};

// The examples of the Collector's page, and the rules around them.
TEST(ProbabilisticSamplerTest, KeepsTheTraceStateConsistent) {
  const StateRow rows[] = {
      {"half of everything", Mode::kProportional, 50, true, "ot=th:0;rv:9b8233f7e3a151",
       "ot=rv:9b8233f7e3a151;th:8"},
      {"half of a half", Mode::kProportional, 50, true, "ot=th:8;rv:d29d6a7215ced0",
       "ot=rv:d29d6a7215ced0;th:c"},
      {"half of a half, not this one", Mode::kProportional, 50, true, "ot=th:8;rv:9b8233f7e3a151",
       nullptr},
      {"equalizing lets what is rarer through", Mode::kEqualizing, 50, true,
       "ot=th:c;rv:d29d6a7215ced0", "ot=rv:d29d6a7215ced0;th:c"},
      {"equalizing raises a threshold", Mode::kEqualizing, 25, true, "ot=th:8;rv:d29d6a7215ced0",
       "ot=rv:d29d6a7215ced0;th:c"},
      {"others stay", Mode::kProportional, 50, true, "a=1, ot=th:0;rv:9b8233f7e3a151;x:y ,b@c=2",
       "ot=rv:9b8233f7e3a151;th:8;x:y,a=1,b@c=2"},
      {"a threshold that is a lie", Mode::kProportional, 50, true, "ot=th:c;rv:9b8233f7e3a151",
       nullptr},
      {"a threshold that is a lie, open", Mode::kProportional, 50, false,
       "ot=th:c;rv:9b8233f7e3a151", "ot=rv:9b8233f7e3a151;th:0"},
      {"no tracestate", Mode::kProportional, 100, true, "not=a=tracestate", nullptr},
      {"no tracestate, open", Mode::kProportional, 1, false, "not=a=tracestate",
       "not=a=tracestate"},
      {"hashing leaves consistent sampling alone", Mode::kHashSeed, 100, true, "ot=th:8", nullptr},
      {"hashing leaves consistent sampling alone, open", Mode::kHashSeed, 1, false, "ot=th:8",
       "ot=th:8"},
      {"nothing", Mode::kProportional, 0, true, "", nullptr},
  };
  for (const StateRow& row : rows) {
    SCOPED_TRACE(row.what);
    Span span;
    span.set_trace_id(std::string(16, '\xee'));
    span.set_trace_state(row.before);
    const auto after = SampleSpan(
        {.sampling_percentage = row.percentage, .mode = row.mode, .fail_closed = row.fail_closed},
        span);
    ASSERT_EQ(after.has_value(), row.after != nullptr);
    if (after) {
      EXPECT_EQ(after->trace_state(), row.after);
    }
  }
}

TEST(ProbabilisticSamplerTest, FollowsTheSamplingPriorityOfSpans) {
  const auto with = [](auto set) {
    Span span;
    span.set_trace_id(std::string(16, '\xee'));
    auto& pair = *span.add_attributes();
    pair.set_key("sampling.priority");
    set(*pair.mutable_value());
    return span;
  };
  const SamplerOptions none{.sampling_percentage = 0};
  const SamplerOptions all{.sampling_percentage = 100};
  EXPECT_TRUE(SampleSpan(none, with([](auto& v) { v.set_int_value(1); })));
  EXPECT_TRUE(SampleSpan(none, with([](auto& v) { v.set_double_value(0.5); })));
  EXPECT_TRUE(SampleSpan(none, with([](auto& v) { v.set_string_value("1"); })));
  EXPECT_FALSE(SampleSpan(none, with([](auto& v) { v.set_bool_value(true); })));
  EXPECT_FALSE(SampleSpan(all, with([](auto& v) { v.set_int_value(0); })));
  EXPECT_FALSE(SampleSpan(all, with([](auto& v) { v.set_string_value("0"); })));
  EXPECT_TRUE(SampleSpan(all, with([](auto& v) { v.set_int_value(-1); })));
}

TEST(ProbabilisticSamplerTest, SamplesLogRecordsByTraceIdAttributeAndPriority) {
  const SamplerOptions half{.sampling_percentage = 50, .mode = Mode::kProportional};
  LogRecord record;
  record.set_trace_id(std::string(16, '\xee'));
  auto after = SampleRecord(half, record);
  ASSERT_TRUE(after);
  ASSERT_EQ(after->attributes_size(), 1);
  EXPECT_EQ(after->attributes(0).key(), "sampling.threshold");
  EXPECT_EQ(after->attributes(0).value().string_value(), "8");

  record.set_trace_id("");
  EXPECT_FALSE(SampleRecord(half, record));  // no randomness: fail_closed

  std::mt19937_64 random(9);
  int sampled = 0;
  for (int i = 0; i < 300; ++i) {
    LogRecord by_attribute;
    auto& pair = *by_attribute.add_attributes();
    pair.set_key("pod");
    pair.mutable_value()->set_string_value("pod-" + std::to_string(random() % 1000));
    const SamplerOptions options{
        .sampling_percentage = 40, .hash_seed = 1, .from_record = true, .from_attribute = "pod"};
    const bool wanted = SampledByHash(pair.value().string_value(), 1, 40);
    sampled += wanted ? 1 : 0;
    EXPECT_EQ(SampleRecord(options, by_attribute).has_value(), wanted);
  }
  EXPECT_GT(sampled, 0);

  LogRecord urgent;
  urgent.set_trace_id(std::string(16, '\xee'));
  auto& priority = *urgent.add_attributes();
  priority.set_key("priority");
  const SamplerOptions rare{.sampling_percentage = 0.1f, .sampling_priority = "priority"};
  priority.mutable_value()->set_int_value(100);
  EXPECT_TRUE(SampleRecord(rare, urgent));
  priority.mutable_value()->set_int_value(0);
  EXPECT_FALSE(SampleRecord({.sampling_percentage = 100, .sampling_priority = "priority"}, urgent));
}

TEST(SamplingTest, ConvertsProbabilitiesAsTheSpecification) {
  EXPECT_EQ(ThresholdText(*ThresholdOf(1, 4)), "0");
  EXPECT_EQ(ThresholdText(*ThresholdOf(0.5, 4)), "8");
  EXPECT_EQ(ThresholdText(*ThresholdOf(0.25, 4)), "c");
  EXPECT_EQ(ThresholdText(*ThresholdOf(1.0 / 3, 4)), "aaab");
  EXPECT_EQ(ThresholdText(*ThresholdOf(0.01, 4)), "fd70a");    // one leading f more
  EXPECT_EQ(ThresholdText(*ThresholdOf(0.999, 4)), "004189");  // two leading zeros more
  EXPECT_FALSE(ThresholdOf(0, 4));
  EXPECT_FALSE(ThresholdOf(1.1, 4));
  EXPECT_EQ(ParseThreshold("c"), std::uint64_t{0xc} << 52);
  EXPECT_FALSE(ParseThreshold("123456789abcdef"));
  EXPECT_FALSE(ParseThreshold("xyz"));
  EXPECT_FALSE(ParseRandomness("123"));
}

}  // namespace
}  // namespace wirespan::gateway
