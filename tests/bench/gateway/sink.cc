#include "tests/bench/gateway/sink.h"

#include <fmt/format.h>
#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "common/http/server.h"
#include "common/otlp/compress.h"
#include "common/otlp/walk.h"

namespace wirespan::bench {

namespace {

struct Counts {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> spans{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::size_t> under_way{0};
  std::mutex mutex;  // guards by_request
  std::unordered_map<std::uint64_t, std::uint64_t> by_request;
};

std::uint64_t NumberOf(std::string_view span) {
  // Field 1, the trace id, comes first: 0x0a 0x10, then eight bytes of the request's number.
  if (span.size() < 10 || span[0] != '\x0a') return 0;
  std::uint64_t number = 0;
  for (std::size_t i = 2; i < 10; ++i) number = number << 8 | static_cast<unsigned char>(span[i]);
  return number;
}

// Inflates if need be and counts.
void Take(const SinkOptions& options, Counts& counts, std::string_view message) {
  counts.bytes += message.size();
  const otlp::Encoding encoding = otlp::DetectEncoding(message);
  thread_local otlp::Decompressor decompressor;
  thread_local std::string plain;
  if (encoding != otlp::Encoding::kIdentity) {
    if (decompressor.Decompress(encoding, message, 1u << 30, plain) !=
        otlp::Decompressor::Outcome::kOk) {
      ++counts.malformed;
    }
    message = plain;
  }
  if (options.by_request) {
    std::lock_guard lock(counts.mutex);
    otlp::ForEachItem(otlp::Signal::kTraces, message, [&](std::string_view span) {
      ++counts.by_request[NumberOf(span)];
      ++counts.spans;
    });
  } else {
    const otlp::WalkResult walk = otlp::Walk(otlp::Signal::kTraces, message);
    if (!walk.ok) ++counts.malformed;
    counts.spans += walk.items;
  }
  ++counts.requests;
}

class Call : public grpc::ServerGenericBidiReactor {
 public:
  Call(const SinkOptions& options, Counts& counts) : options_(options), counts_(counts) {
    const bool many = ++counts_.under_way > options.at_once && options.at_once > 0;
    if (options.refuse != 0 || many) {
      ++counts_.refused;
      Finish({static_cast<grpc::StatusCode>(options.refuse != 0 ? options.refuse : 14), "refused"});
      return;
    }
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish({grpc::StatusCode::INVALID_ARGUMENT, "no message"});
    if (options_.hang) return;
    if (options_.delay_ms > 0) {
      alarm_.Set(std::chrono::system_clock::now() + std::chrono::milliseconds(options_.delay_ms),
                 [this](bool) { Take(); });
      return;
    }
    Take();
  }
  void OnCancel() override {
    if (options_.hang) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    --counts_.under_way;
    delete this;
  }

 private:
  void Take() {
    grpc::Slice slice;
    if (!request_.TrySingleSlice(&slice).ok()) (void)request_.DumpToSingleSlice(&slice);
    request_.Clear();
    bench::Take(options_, counts_, {reinterpret_cast<const char*>(slice.begin()), slice.size()});
    const grpc::Slice empty;
    response_ = grpc::ByteBuffer(&empty, 1);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  const SinkOptions& options_;
  Counts& counts_;
  grpc::ByteBuffer request_{};
  grpc::ByteBuffer response_{};
  grpc::Alarm alarm_{};
};

class Service : public grpc::CallbackGenericService {
 public:
  Service(const SinkOptions& options, Counts& counts) : options_(options), counts_(counts) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Call(options_, counts_);
  }

 private:
  const SinkOptions& options_;
  Counts& counts_;
};

volatile std::sig_atomic_t stopped = 0;

void Print(const Counts& counts) {
  fmt::print(
      "{{\"requests\": {}, \"spans\": {}, \"bytes\": {}, \"refused\": {}, \"malformed\": {}}}\n",
      counts.requests.load(), counts.spans.load(), counts.bytes.load(), counts.refused.load(),
      counts.malformed.load());
  std::fflush(stdout);
}

}  // namespace

void Sink(const SinkOptions& options) {
  Counts counts;
  Service service(options, counts);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(fmt::format("127.0.0.1:{}", options.port),
                           grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (!server || port == 0) {
    fmt::print(stderr, "sink: can't listen on port {}\n", options.port);
    std::exit(1);
  }
  std::unique_ptr<http::Server> http;
  if (options.http_port != 0) {
    auto started = http::Server::Start(
        {.port = options.http_port},
        [&](http::Request request, std::unique_ptr<http::Responder> responder) {
          Take(options, counts, request.body);
          responder->Send({.headers = {{"Content-Type", "application/x-protobuf"}}});
        });
    if (!started) {
      fmt::print(stderr, "sink: {}\n", started.error().message);
      std::exit(1);
    }
    http = std::move(*started);
  }
  fmt::print("{}\n", port);
  std::fflush(stdout);
  std::signal(SIGTERM, [](int) { stopped = 1; });
  bool input = true;
  while (stopped == 0) {
    pollfd waiting{.fd = input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;
    char line[64];
    const ssize_t got = ::read(STDIN_FILENO, line, sizeof(line));
    if (got <= 0) {
      input = false;
      continue;
    }
    Print(counts);
  }
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
  if (!options.arrived_file.empty()) {
    if (std::FILE* file = std::fopen(options.arrived_file.c_str(), "a")) {
      for (const auto& [number, spans] : counts.by_request) {
        std::fprintf(file, "%llu %llu\n", static_cast<unsigned long long>(number),
                     static_cast<unsigned long long>(spans));
      }
      std::fclose(file);
    }
  }
  Print(counts);
}

}  // namespace wirespan::bench
