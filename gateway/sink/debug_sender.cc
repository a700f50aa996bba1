#include "gateway/sink/debug_sender.h"

#include <chrono>
#include <cstdio>
#include <mutex>
#include <utility>

namespace wirespan::gateway {

namespace {

class DebugSender : public Sender {
 public:
  DebugSender(DebugOptions options, std::function<void(std::string_view)> print)
      : options_(options), print_(std::move(print)) {}

  void Send(Outgoing request, std::function<void(Outcome)> done) override {
    if (Sampled()) {
      std::string storage;
      const std::string text = DebugText(request.signal, request.bytes.Contiguous(storage),
                                         request.items, options_.verbosity);
      std::lock_guard lock(mutex_);
      print_(text);
    }
    done({});
  }

 private:
  bool Sampled() {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      seen_ = 0;
    }
    ++seen_;
    if (seen_ <= options_.sampling_initial) return true;
    return options_.sampling_thereafter > 0 &&
           (seen_ - options_.sampling_initial) % options_.sampling_thereafter == 0;
  }

  const DebugOptions options_;
  const std::function<void(std::string_view)> print_;
  std::mutex mutex_;  // guards the output and the second's count
  std::chrono::steady_clock::time_point second_{};
  std::uint64_t seen_ = 0;
};

}  // namespace

std::unique_ptr<Sender> CreateDebugSender(DebugOptions options,
                                          std::function<void(std::string_view)> print) {
  if (!print) {
    print = [](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), stderr);
      std::fflush(stderr);
    };
  }
  return std::make_unique<DebugSender>(options, std::move(print));
}

}  // namespace wirespan::gateway
