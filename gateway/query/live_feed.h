#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/base/result.h"
#include "common/http/server.h"
#include "gateway/query/form.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::query {

// Which spans a listener wants: all of this.
struct LiveFilter {
  std::string service{};    // empty: any
  std::string operation{};  // empty: any
  std::uint64_t min_duration_ns = 0;
  bool errors = false;  // those that failed alone

  bool Wants(const store::SpanRow& row, const store::Group& group) const {
    return row.duration_ns >= min_duration_ns && (!errors || row.error) &&
           (service.empty() || group.service == service) &&
           (operation.empty() || row.name == operation);
  }
};

// `service`, `operation`, `min_duration_us`, `errors`. Errors are for the client.
Result<LiveFilter> ReadLiveFilter(const Form& form);

// A span as the feed tells it (docs/gateway.md).
std::string LiveJson(const store::SpanRow& row, const store::Group& group);

// Spans as they are kept, to listeners over HTTP (server-sent events). Each has at most so many a
// second and so many waiting: what is beyond that, or what a slow reader's connection has no room
// for, is left out and told as `event: dropped`. Thread-safe; a thread of its own writes.
class LiveFeed final : public store::SpanWatcher {
 public:
  static constexpr std::size_t kMostListeners = 32;
  static constexpr std::size_t kMostASecond = 200;

  LiveFeed();
  ~LiveFeed() override { Close(); }
  void Close();  // ends the streams; later listeners are refused. By one thread

  // Answers the request by a stream, or refuses it.
  void Serve(const http::Request& request, http::Responder& responder);
  void OnSpan(const store::SpanRow& row, const store::Group& group) override;
  std::size_t listeners() const;

 private:
  struct Listener {
    LiveFilter filter{};
    std::unique_ptr<http::BodyStream> stream{};
    std::string waiting{};      // events
    std::size_t spans = 0;      // in `waiting`
    std::uint64_t dropped = 0;  // not told yet
    std::size_t this_second = 0;
    std::chrono::steady_clock::time_point second{};  // when it began
    std::chrono::steady_clock::time_point written{};
  };

  void Run();
  static bool Flush(Listener& listener, std::chrono::steady_clock::time_point now);

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ends_;
  std::list<Listener> listeners_{};
  bool stopping_ = false;
  std::atomic<bool> any_{false};  // listeners: so that without any a span costs nothing

  std::thread writer_;
};

}  // namespace wirespan::gateway::query
