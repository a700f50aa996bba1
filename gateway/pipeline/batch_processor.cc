#include "gateway/pipeline/batch_processor.h"

#include <utility>

#include "common/otlp/walk.h"

namespace wirespan::gateway {

BatchProcessor::BatchProcessor(std::string id, BatchOptions options, Consumer& next,
                               telemetry::Registry& registry)
    : Processor(next),
      options_(options),
      size_triggers_(registry.counter("otelcol_processor_batch_batch_size_trigger_send_total",
                                      "Batches sent because they were full", {{"processor", id}})),
      timeout_triggers_(registry.counter("otelcol_processor_batch_timeout_trigger_send_total",
                                         "Batches sent because they were old",
                                         {{"processor", id}})),
      sizes_(registry.histogram(
          "otelcol_processor_batch_batch_send_size", "Items in a sent batch",
          {10,   25,   50,   75,   100,  250,  500,   750,   1000,  2000,  3000,
           4000, 5000, 6000, 7000, 8000, 9000, 10000, 20000, 30000, 50000, 100000},
          {{"processor", id}})),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

BatchProcessor::~BatchProcessor() {
  thread_.request_stop();
  thread_.join();
  Drain();
}

void BatchProcessor::Consume(Batch batch) {
  Held ready;
  {
    std::lock_guard lock(mutex_);
    if (held_.parts.empty()) held_.oldest = std::chrono::steady_clock::now();
    held_.items += batch.items;
    held_.parts.push_back(std::move(batch));
    const bool full = options_.send_batch_size > 0 && held_.items >= options_.send_batch_size;
    if (full || draining_ || options_.timeout.count() == 0) {
      ready = std::exchange(held_, {});
      if (full) size_triggers_.Add();
    } else if (held_.parts.size() == 1) {
      changed_.notify_one();
    }
  }
  Send(std::move(ready));
}

void BatchProcessor::Drain() {
  Held ready;
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    ready = std::exchange(held_, {});
  }
  Send(std::move(ready));
}

void BatchProcessor::Run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (held_.parts.empty()) {
      changed_.wait(lock, stop, [&] { return !held_.parts.empty(); });
      continue;
    }
    const auto due = held_.oldest + options_.timeout;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, stop, due, [] { return false; });
      continue;
    }
    Held ready = std::exchange(held_, {});
    timeout_triggers_.Add();
    lock.unlock();
    Send(std::move(ready));
    lock.lock();
  }
}

void BatchProcessor::Send(Held held) {
  if (held.parts.empty()) return;
  Batch joined;
  if (held.parts.size() == 1) {
    joined = std::move(held.parts.front());
  } else {
    joined.signal = held.parts.front().signal;
    joined.items = held.items;
    std::vector<Ack> acks;
    acks.reserve(held.parts.size());
    for (Batch& part : held.parts) {
      joined.bytes.Append(part.bytes);
      for (auto& lease : part.leases) joined.leases.push_back(std::move(lease));
      acks.push_back(std::move(part.ack));
    }
    joined.ack = MergeAcks(std::move(acks));
  }
  if (options_.send_batch_max_size > 0 && joined.items > options_.send_batch_max_size) {
    SendSplit(std::move(joined));
    return;
  }
  sizes_.Observe(static_cast<double>(joined.items));
  next_.Consume(std::move(joined));
}

void BatchProcessor::SendSplit(Batch batch) {
  std::string storage;
  std::vector<otlp::Part> parts =
      otlp::Split(batch.signal, batch.bytes.Contiguous(storage), options_.send_batch_max_size);
  std::vector<Ack> acks = ForkAck(std::move(batch.ack), parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    sizes_.Observe(static_cast<double>(parts[i].items));
    Batch part;
    part.signal = batch.signal;
    part.items = parts[i].items;
    part.bytes = Bytes(std::move(parts[i].bytes));
    part.leases = batch.leases;
    part.ack = std::move(acks[i]);
    next_.Consume(std::move(part));
  }
}

}  // namespace wirespan::gateway
