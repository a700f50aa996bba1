// A libgrpc++ client, synchronous: client PORT LOG [OPTION=VALUE]... < commands. One channel.
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/sync_stream.h>

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <thread>
#include <vector>

#include "common.h"

namespace {

using grpc::ByteBuffer;
using grpc::Status;
using grpc::internal::RpcMethod;
using Stream = grpc::ClientReaderWriter<ByteBuffer, ByteBuffer>;

// Cancels a call after a time, unless it ended before.
class Canceller {
 public:
  Canceller(grpc::ClientContext& context, std::chrono::milliseconds after) {
    if (after.count() == 0) return;
    thread_ = std::jthread([&context, after, this](std::stop_token stop) {
      std::unique_lock lock(mutex_);
      if (!ended_.wait_for(lock, stop, after, [] { return false; }) && !stop.stop_requested())
        context.TryCancel();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;
};

class Client {
 public:
  Client(const char* port, const char* log, const Fields& options) : log_(log) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    if (const int after = options.number("keepalive")) {
      arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, after);
      arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    channel_ = grpc::CreateCustomChannel(std::string("127.0.0.1:") + port,
                                         grpc::InsecureChannelCredentials(), arguments);
  }

  bool Call(const Fields& batch, int id) {
    grpc::ClientContext context;
    if (batch.number("bare") == 0) {
      context.AddMetadata("x-id", std::to_string(id));
      context.AddMetadata("x-reply", batch.text("reply"));
    }
    if (const int n = batch.number("metadata")) context.AddMetadata("x-fill", std::string(n, 'm'));
    if (batch.number("trace") == 1) {
      char text[64];
      std::snprintf(text, sizeof text, "00-7e57%028x-%016x-01", id, id + 1);
      context.AddMetadata("traceparent", text);
    }
    if (batch.number("deadline") > 0)
      context.set_deadline(std::chrono::system_clock::now() + batch.ms("deadline"));
    const Canceller canceller(context, batch.ms("cancel"));
    const std::string method = batch.text("method");
    const std::string path = "/wirespan.test.Truth/" + method;
    Tally tally;
    const auto wall = std::chrono::system_clock::now();
    const auto start = Clock::now();
    const Status status = method == "Unary" ? Unary(context, path, batch, id, tally)
                                            : Streamed(context, path, batch, id, tally);
    const double took = Ms(start);
    if (batch.number("log", 1) == 1) {
      log_.Write(std::to_string(id), path.substr(1), status.error_code(), took, tally,
                 ",\"text\":" + TruthLog::Quoted(status.error_message()) +
                     ",\"start_ns\":" + std::to_string(wall.time_since_epoch().count()));
    }
    return status.ok();
  }

 private:
  static ByteBuffer Message(const Fields& batch, int id) {
    return Zeros(batch.number("size", 100) + batch.number("step") * id);
  }

  Status Unary(grpc::ClientContext& context, const std::string& path, const Fields& batch, int id,
               Tally& tally) {
    const ByteBuffer request = Message(batch, id);
    ByteBuffer answer;
    tally.Sent(request);
    const Status status = grpc::internal::BlockingUnaryCall<ByteBuffer, ByteBuffer>(
        channel_.get(), RpcMethod(path.c_str(), RpcMethod::NORMAL_RPC), &context, request, &answer);
    if (status.ok()) tally.Received(answer);
    return status;
  }

  Status Streamed(grpc::ClientContext& context, const std::string& path, const Fields& batch,
                  int id, Tally& tally) {
    const std::unique_ptr<Stream> stream(
        grpc::internal::ClientReaderWriterFactory<ByteBuffer, ByteBuffer>::Create(
            channel_.get(), RpcMethod(path.c_str(), RpcMethod::BIDI_STREAMING), &context));
    std::thread sender([&] {
      const int messages = path.ends_with("ServerStream") ? 1 : batch.number("messages", 1);
      const ByteBuffer message = Message(batch, id);
      for (int i = 0; i < messages; ++i) {
        if (i > 0) std::this_thread::sleep_for(batch.ms("pause"));
        if (!stream->Write(message)) return;
        tally.Sent(message);
      }
      stream->WritesDone();
    });
    ByteBuffer answer;
    while (stream->Read(&answer)) tally.Received(answer);
    sender.join();
    return stream->Finish();
  }

  TruthLog log_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace

int main(int argc, char** argv) {
  Client client(argv[1], argv[2], Options(argc, argv));
  for (std::string line; std::getline(std::cin, line);) {
    const Fields batch(line, ' ');
    const int count = batch.number("count", 1), first = batch.number("first");
    std::atomic<int> next = 0, good = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < batch.number("concurrency", 1); ++i) {
      threads.emplace_back([&] {
        for (int n = next++; n < count; n = next++) good += client.Call(batch, first + n);
      });
    }
    threads.clear();  // joins
    std::cout << "done " << count << " " << good << std::endl;
  }
}
