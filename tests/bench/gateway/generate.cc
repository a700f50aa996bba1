// Sends requests in a closed loop (or at a pace) and counts the answers.
#include "tests/bench/gateway/generate.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "common/otlp/response.h"
#include "common/otlp/signal.h"
#include "tests/bench/gateway/payload.h"
#include "tests/bench/gateway/raw_buffer.h"

namespace wirespan::bench {

namespace {

using std::chrono::steady_clock;

using Message = std::shared_ptr<const std::string>;

Message Encode(const GenerateOptions& options, std::uint64_t number) {
  const std::string plain = TraceRequest(number, options.spans);
  if (options.compression == otlp::Encoding::kIdentity) {
    return std::make_shared<const std::string>(plain);
  }
  thread_local otlp::Compressor compressor;
  std::string out;
  compressor.Compress(options.compression, plain, out);
  return std::make_shared<const std::string>(std::move(out));
}

class Generator {
 public:
  explicit Generator(const GenerateOptions& options) : options_(options) {
    if (!options.unique) {
      for (std::uint64_t i = 0; i < options.distinct; ++i)
        messages_.push_back(Encode(options, options.first + i));
    }
    for (std::size_t i = 0; i < options.connections; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
      arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
      arguments.SetMaxSendMessageSize(-1);
      stubs_.push_back(std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
          options.target, grpc::InsecureChannelCredentials(), arguments)));
    }
    if (!options.acked_file.empty()) acked_ = std::fopen(options.acked_file.c_str(), "a");
  }

  void Run() {
    const auto start = steady_clock::now();
    end_ = start + std::chrono::milliseconds(static_cast<std::int64_t>(options_.seconds * 1000));
    for (std::size_t i = 0; i < options_.in_flight; ++i) Start();
    {
      std::unique_lock lock(mutex_);
      idle_.wait(lock, [&] { return under_way_ == 0; });
    }
    const double seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
    Print(seconds);
    if (acked_ != nullptr) std::fclose(acked_);
  }

 private:
  struct Call {
    grpc::ClientContext context{};
    grpc::ByteBuffer request{};
    grpc::ByteBuffer response{};
    std::uint64_t number = 0;
    steady_clock::time_point sent{};
  };

  void Start() {
    std::uint64_t number = 0;
    {
      std::lock_guard lock(mutex_);
      if (steady_clock::now() >= end_) return;
      ++under_way_;
      number = next_++;
    }
    if (options_.rate > 0) {
      const auto due =
          end_ - std::chrono::milliseconds(static_cast<std::int64_t>(options_.seconds * 1000)) +
          std::chrono::nanoseconds(
              static_cast<std::int64_t>(1e9 * static_cast<double>(number) / options_.rate));
      std::this_thread::sleep_until(std::min(due, end_));
    }
    auto* call = new Call;
    call->number = options_.first + number;
    const Message message =
        options_.unique ? Encode(options_, call->number) : messages_[number % messages_.size()];
    const bool gzip = options_.compression == otlp::Encoding::kGzip;
    call->request = RawBuffer(message, gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
    if (gzip) call->context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    call->context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::milliseconds(options_.timeout_ms));
    call->sent = steady_clock::now();
    stubs_[number % stubs_.size()]->UnaryCall(
        &call->context, otlp::GrpcMethod(otlp::Signal::kTraces).data(), grpc::StubOptions(),
        &call->request, &call->response, [this, call](const grpc::Status& status) {
          Done(*call, status);
          delete call;
        });
  }

  void Done(const Call& call, const grpc::Status& status) {
    const auto took = steady_clock::now() - call.sent;
    {
      std::lock_guard lock(mutex_);
      if (status.ok()) {
        ++acked_requests_;
        latencies_.push_back(std::chrono::duration<float, std::milli>(took).count());
        if (acked_ != nullptr) {
          std::fprintf(acked_, "%llu\n", static_cast<unsigned long long>(call.number));
          std::fflush(acked_);
        }
      } else {
        otlp::RpcStatus details;
        const bool decoded = otlp::DecodeStatus(status.error_details(), details);
        ++refused_[fmt::format("{}{}", static_cast<int>(status.error_code()),
                               decoded && details.retry_delay ? "+retry" : "")];
      }
    }
    if (!status.ok() && options_.pause_ms > 0) {
      const auto rested = steady_clock::now() + std::chrono::milliseconds(options_.pause_ms);
      std::this_thread::sleep_until(std::min(rested, end_));
    }
    Start();
    std::lock_guard lock(mutex_);
    if (--under_way_ == 0) idle_.notify_all();
  }

  void Print(double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double share) {
      return latencies_.empty() ? 0.f
                                : latencies_[static_cast<std::size_t>(
                                      share * static_cast<double>(latencies_.size() - 1))];
    };
    std::string refused;
    for (const auto& [code, count] : refused_) {
      refused += fmt::format("{}\"{}\": {}", refused.empty() ? "" : ", ", code, count);
    }
    fmt::print(
        "{{\"seconds\": {:.3f}, \"acked_requests\": {}, \"acked_spans\": {}, \"refused\": {{{}}}, "
        "\"p50_ms\": {:.2f}, \"p99_ms\": {:.2f}}}\n",
        seconds, acked_requests_, acked_requests_ * options_.spans, refused, at(0.5), at(0.99));
  }

  const GenerateOptions options_;
  std::vector<Message> messages_{};
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_{};
  steady_clock::time_point end_{};
  std::mutex mutex_;  // guards all below
  std::condition_variable idle_;
  std::size_t under_way_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t acked_requests_ = 0;
  std::map<std::string, std::uint64_t> refused_{};  // by code, "+retry" with RetryInfo
  std::vector<float> latencies_{};
  std::FILE* acked_ = nullptr;
};

}  // namespace

void Generate(const GenerateOptions& options) { Generator(options).Run(); }

}  // namespace wirespan::bench
