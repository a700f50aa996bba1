#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "common/otlp/wire.h"
#include "gateway/pipeline/any_value.h"
#include "gateway/pipeline/attributes_processor.h"
#include "gateway/pipeline/batch_processor.h"
#include "gateway/pipeline/filter_processor.h"
#include "gateway/pipeline/probabilistic_sampler.h"

// What a processor costs, by batches of 1000 spans with 14 attributes: 1 us here is 0.001
// CPU-seconds per million spans.
namespace wirespan::gateway {
namespace {

constexpr int kSpans = 1000;

void AppendText(std::string& out, std::uint32_t field, std::string_view key,
                std::string_view text) {
  std::string value;
  otlp::AppendBytesField(value, 1, text);
  std::string pair;
  otlp::AppendBytesField(pair, 1, key);
  otlp::AppendBytesField(pair, 2, value);
  otlp::AppendBytesField(out, field, pair);
}

// An HTTP server's spans: 14 attributes, about 700 bytes each.
std::string Request() {
  constexpr std::pair<const char*, const char*> kAttributes[] = {
      {"http.request.method", "GET"},
      {"url.path", "/api/v1/products/0PUK6V6EV0"},
      {"url.scheme", "https"},
      {"http.response.status_code", "200"},
      {"http.route", "/api/v1/products/{id}"},
      {"server.address", "shop.example"},
      {"server.port", "443"},
      {"client.address", "192.0.2.17"},
      {"network.peer.address", "198.51.100.4"},
      {"network.peer.port", "51734"},
      {"network.protocol.version", "1.1"},
      {"user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"},
      {"http.request.body.size", "0"},
      {"http.response.body.size", "5120"},
  };
  std::string scope;
  for (int i = 0; i < kSpans; ++i) {
    std::string trace_id(16, '\0');
    for (std::size_t b = 0; b < 16; ++b) {
      trace_id[b] = static_cast<char>(i * 31 + static_cast<int>(b) * 17);
    }
    std::string span;
    otlp::AppendBytesField(span, 1, trace_id);
    otlp::AppendBytesField(span, 2, trace_id.substr(4, 8));
    otlp::AppendBytesField(span, 4, trace_id.substr(6, 8));
    otlp::AppendBytesField(span, 5, "GET /api/v1/products/{id}");
    otlp::AppendVarintField(span, 6, 2);
    otlp::AppendFixed64Field(span, 7, 1700000000000000000u);
    otlp::AppendFixed64Field(span, 8, 1700000000001000000u);
    for (const auto& [key, text] : kAttributes) AppendText(span, 9, key, text);
    otlp::AppendBytesField(scope, 2, span);
  }
  std::string resource;
  AppendText(resource, 1, "service.name", "shop");
  AppendText(resource, 1, "host.name", "node-1");
  std::string spans;
  otlp::AppendBytesField(spans, 1, resource);
  otlp::AppendBytesField(spans, 2, scope);
  std::string request;
  otlp::AppendBytesField(request, 1, spans);
  return request;
}

class Answers : public Consumer {
 public:
  void Consume(Batch batch) override {
    bytes += batch.bytes.size();
    batch.ack.Answer({});
  }
  std::size_t bytes = 0;
};

void Run(benchmark::State& state, Processor& processor) {
  const std::string request = Request();
  const auto owner = std::make_shared<const std::string>(request);
  for (auto _ : state) {
    Batch batch;
    batch.items = kSpans;
    batch.bytes = Bytes(owner, *owner);
    processor.Consume(std::move(batch));
  }
  state.SetItemsProcessed(state.iterations() * kSpans);
}

std::string Text(std::string_view text) {
  std::string message;
  AppendAnyValue(message, AnyValue::String(text));
  return message;
}

using Kind = AttributeAction::Kind;

void AttributesInsert(benchmark::State& state) {
  Answers next;
  AttributesProcessor processor(
      "attributes",
      {.actions = {{.kind = Kind::kInsert, .key = "env", .value = Text("production")}}}, next);
  Run(state, processor);
}
BENCHMARK(AttributesInsert);

// Three edits, as a page of examples has them.
void AttributesThree(benchmark::State& state) {
  Answers next;
  AttributesProcessor processor(
      "attributes",
      {.actions = {{.kind = Kind::kUpsert, .key = "env", .value = Text("production")},
                   {.kind = Kind::kDelete, .key = "url.path"},
                   {.kind = Kind::kUpdate, .key = "http.request.method", .value = Text("X")}}},
      next);
  Run(state, processor);
}
BENCHMARK(AttributesThree);

void AttributesHash(benchmark::State& state) {
  Answers next;
  AttributesProcessor processor("attributes",
                                {.actions = {{.kind = Kind::kHash, .key = "url.path"}}}, next);
  Run(state, processor);
}
BENCHMARK(AttributesHash);

void AttributesNothingToDo(benchmark::State& state) {
  Answers next;
  AttributesProcessor processor("attributes",
                                {.actions = {{.kind = Kind::kDelete, .key = "absent"}}}, next);
  Run(state, processor);
}
BENCHMARK(AttributesNothingToDo);

void ResourceUpsert(benchmark::State& state) {
  Answers next;
  ResourceProcessor processor(
      "resource", {.actions = {{.kind = Kind::kUpsert, .key = "env", .value = Text("production")}}},
      next);
  Run(state, processor);
}
BENCHMARK(ResourceUpsert);

void Filter(benchmark::State& state, const char* condition) {
  telemetry::Registry registry;
  Answers next;
  FilterOptions options;
  options.span = {*OttlCondition::Parse(condition, OttlScope::kSpan)};
  FilterProcessor processor("filter", options, Signal::kTraces, next, registry);
  Run(state, processor);
}
BENCHMARK_CAPTURE(Filter, attribute, R"(attributes["url.path"] == "/health")");
BENCHMARK_CAPTURE(Filter, match, R"(IsMatch(name, "^GET /health") and kind == SPAN_KIND_SERVER)");
BENCHMARK_CAPTURE(Filter, resource, R"(resource.attributes["service.name"] == "other")");

void Sampler(benchmark::State& state) {
  telemetry::Registry registry;
  Answers next;
  ProbabilisticSampler processor("sampler",
                                 {.sampling_percentage = static_cast<float>(state.range(0))},
                                 Signal::kTraces, next, registry);
  Run(state, processor);
}
BENCHMARK(Sampler)->Arg(1)->Arg(50);

void BatchReady(benchmark::State& state) {
  telemetry::Registry registry;
  Answers next;
  BatchProcessor processor("batch", {}, next, registry);
  Run(state, processor);
}
BENCHMARK(BatchReady);

}  // namespace
}  // namespace wirespan::gateway

BENCHMARK_MAIN();
