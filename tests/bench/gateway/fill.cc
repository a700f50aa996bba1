#include "tests/bench/gateway/fill.h"

#include <fmt/format.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "common/queue/durable_queue.h"
#include "tests/bench/gateway/payload.h"

namespace wirespan::bench {

namespace {

constexpr std::size_t kAtOnce = 16;

// docs/format/queue.md: version 1, traces, not compressed, of the pipeline "traces", no metadata.
std::string Meta() {
  constexpr std::string_view kPipeline = "traces";
  std::string meta = {1, 0, 0, static_cast<char>(kPipeline.size()), 0};
  meta += kPipeline;
  meta += std::string(2, '\0');
  return meta;
}

[[noreturn]] void Die(const Error& error) {
  fmt::print(stderr, "gateway_load: {}\n", error.message);
  std::exit(1);
}

}  // namespace

void Fill(const FillOptions& options) {
  auto disk = queue::OpenFolder(options.folder);
  if (!disk) Die(disk.error());
  auto opened = queue::DurableQueue::Open(std::move(*disk), {.sync = false});
  if (!opened) Die(opened.error());
  queue::DurableQueue& queue = **opened;
  const std::string request = TraceRequest(1, options.spans);
  const auto records = static_cast<std::uint64_t>(options.gib * double(1u << 30) /
                                                  static_cast<double>(request.size()));
  std::vector<std::future<void>> waiting;
  for (std::uint64_t i = 0; i < records; ++i) {
    auto promise = std::make_shared<std::promise<void>>();
    waiting.push_back(promise->get_future());
    queue.Append(Meta(), {request}, static_cast<std::uint32_t>(options.spans), nullptr,
                 [promise](Result<> written) {
                   if (!written) Die(written.error());
                   promise->set_value();
                 });
    if (waiting.size() < kAtOnce) continue;
    for (auto& each : waiting) each.wait();
    waiting.clear();
  }
  for (auto& each : waiting) each.wait();
  queue.Close();
  const queue::Held held = queue.held();
  fmt::print("{{\"records\": {}, \"items\": {}, \"bytes\": {}}}\n", held.records, held.items,
             held.bytes);
}

}  // namespace wirespan::bench
