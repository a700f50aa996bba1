#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "common/otlp/compress.h"
#include "common/otlp/response.h"
#include "common/telemetry/metrics.h"
#include "gateway/ingest/grpc_receiver.h"
#include "gateway/ingest/http_receiver.h"
#include "tests/unit/gateway/ingest/otlp_client.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway::testing {

// A pipeline that keeps what it is given and answers with `answer`.
class Ground : public Consumer {
 public:
  void Consume(Batch batch) override {
    std::unique_lock lock(mutex_);
    received_.push_back({batch.signal, batch.items, batch.bytes.ToString(), batch.metadata});
    if (holding_) {
      held_.push_back(std::move(batch.ack));
      return;
    }
    Outcome outcome = answer_;
    lock.unlock();
    batch.ack.Answer(std::move(outcome));
  }
  struct Received {
    Signal signal = Signal::kTraces;
    std::uint64_t items = 0;
    std::string bytes{};
    std::shared_ptr<const Metadata> metadata{};
  };
  std::vector<Received> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(received_, {});
  }
  void HoldAnswers() {
    std::lock_guard lock(mutex_);
    holding_ = true;
  }
  std::size_t held() {
    std::lock_guard lock(mutex_);
    return held_.size();
  }
  void AnswerHeld() {
    std::vector<Ack> acks;
    {
      std::lock_guard lock(mutex_);
      acks.swap(held_);
    }
    for (Ack& ack : acks) ack.Answer({});
  }
  void AnswerWith(Outcome outcome) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(outcome);
  }

 private:
  std::mutex mutex_;
  std::vector<Received> received_;
  Outcome answer_{};
  bool holding_ = false;
  std::vector<Ack> held_{};
};

// Where gRPC and HTTP are, and which HTTP.
struct Way {
  bool one_port = false;
  bool http2 = false;
  friend void PrintTo(const Way& way, std::ostream* out) {
    *out << (way.one_port ? "one port" : "two ports") << (way.http2 ? ", HTTP/2" : ", HTTP/1");
  }
};

class ReceiverTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kLimit = 256 << 10;

  explicit ReceiverTest(Way way = {}) : way_(way) {
    Door::Pipelines all{.by_signal = {&ground_, &ground_, &ground_, &ground_}};
    if (way.one_port) {
      auto both =
          StartSharedReceiver({.endpoint = "127.0.0.1:0", .max_request_body_bytes = kLimit},
                              std::make_unique<Door>("otlp", "http", all, budget_, registry_),
                              {.max_recv_msg_size_bytes = kLimit},
                              std::make_unique<Door>("otlp", "grpc", all, budget_, registry_));
      if (!both) throw std::runtime_error(both.error().message);
      http_ = std::move(*both);
      return;
    }
    auto grpc = StartGrpcReceiver({.endpoint = "127.0.0.1:0", .max_recv_msg_size_bytes = kLimit},
                                  std::make_unique<Door>("otlp", "grpc", all, budget_, registry_));
    if (!grpc) throw std::runtime_error(grpc.error().message);
    grpc_ = std::move(*grpc);
    auto http = StartHttpReceiver({.endpoint = "127.0.0.1:0", .max_request_body_bytes = kLimit},
                                  std::make_unique<Door>("otlp", "http", all, budget_, registry_));
    if (!http) throw std::runtime_error(http.error().message);
    http_ = std::move(*http);
  }

  GrpcAnswer Grpc(std::string_view request, GrpcCompression compression = GrpcCompression::kNone,
                  Signal signal = Signal::kTraces) {
    return GrpcExport("127.0.0.1:" + std::to_string(grpc_port()),
                      std::string(otlp::GrpcMethod(signal)), request, compression);
  }
  std::uint16_t grpc_port() const { return (grpc_ ? grpc_ : http_)->port(); }
  HttpAnswer Send(std::string_view method, std::string_view path,
                  const std::vector<std::string>& headers, std::string_view body) {
    return (way_.http2 ? Http2Send : HttpSend)(http_->port(), method, path, headers, body);
  }
  HttpAnswer Post(std::string_view path, std::string_view type, std::string_view body,
                  std::vector<std::string> headers = {}) {
    headers.push_back("Content-Type: " + std::string(type));
    return Send("POST", path, headers, body);
  }
  HttpAnswer Proto(std::string_view body, std::vector<std::string> headers = {},
                   std::string_view path = "/v1/traces") {
    return Post(path, "application/x-protobuf", body, std::move(headers));
  }
  HttpAnswer Json(std::string_view body, std::vector<std::string> headers = {},
                  std::string_view path = "/v1/traces") {
    return Post(path, "application/json", body, std::move(headers));
  }
  static std::string Compressed(otlp::Encoding encoding, std::string_view bytes) {
    otlp::Compressor compressor;
    std::string out;
    compressor.Compress(encoding, bytes, out);
    return out;
  }
  static otlp::RpcStatus StatusIn(std::string_view bytes) {
    otlp::RpcStatus status;
    EXPECT_TRUE(otlp::DecodeStatus(bytes, status));
    return status;
  }
  double Count(std::string_view name, std::string_view transport) {
    return registry_.Value(name, {{"receiver", "otlp"}, {"transport", std::string(transport)}});
  }

  const Way way_;
  telemetry::Registry registry_;
  std::shared_ptr<MemoryBudget> budget_ = MemoryBudget::Create(64 << 20);
  Ground ground_;
  std::unique_ptr<Receiver> grpc_;  // null: on the port of http_
  std::unique_ptr<Receiver> http_;
};

}  // namespace wirespan::gateway::testing
