#include "common/kube/watcher.h"

#include <fmt/format.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "common/base/strings.h"
#include "common/kube/metadata.h"
#include "common/kube/object_stream.h"
#include "common/kube/requester.h"
#include "common/telemetry/log.h"

namespace wirespan::kube {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxPages = 10000;
constexpr std::string_view kAcceptAll = "application/json";
// A watch that ends sooner, and without an event, is no working one.
constexpr std::uint64_t kShortWatchNs = 5'000'000'000;
// What a server asks for is honoured up to here: after it, it is asked again.
constexpr milliseconds kMaxRetryAfter{300000};

// The fields that a list or a watch is read by, with those of the caller's object at `below`.
struct Reading {
  Reading(const std::vector<std::string>& fields, const std::string& below) {
    for (const std::string& field : fields) projection.Add(below + field);
  }
  Projection projection{};
};

struct ListReading : Reading {
  explicit ListReading(const std::vector<std::string>& fields) : Reading(fields, "items[].") {}
  std::size_t kind = projection.Add("kind");
  std::size_t version = projection.Add("metadata.resourceVersion");
  std::size_t next = projection.Add("metadata.continue");
};

struct EventReading : Reading {
  explicit EventReading(const std::vector<std::string>& fields) : Reading(fields, "object.") {}
  std::size_t type = projection.Add("type");
  std::size_t version = projection.Add("object.metadata.resourceVersion");
  std::size_t code = projection.Add("object.code");
  std::size_t message = projection.Add("object.message");
};

std::string ListTarget(const WatchOptions& options, std::string_view parameters) {
  std::string target = options.path + "?";
  if (!options.field_selector.empty())
    target += "fieldSelector=" + EscapeQuery(options.field_selector) + "&";
  if (!options.label_selector.empty())
    target += "labelSelector=" + EscapeQuery(options.label_selector) + "&";
  return target += parameters;
}

// One page of a list. `head` gets the list's own fields.
Outcome ListPage(Requester& requester, const WatchOptions& options, const ListReading& reading,
                 std::string_view parameters, std::stop_token stop,
                 const std::function<void(Object&)>& each, Object& head) {
  ObjectStream stream(reading.projection, "items[]", [&](Object& object) {
    each(object);
    return true;
  });
  std::uint64_t bytes = 0;
  Outcome outcome =
      requester.Run({.target = ListTarget(options, parameters),
                     .accept = std::string(options.metadata_only ? kAcceptMetadata : kAcceptAll),
                     .timeout = options.list_time,
                     .quiet_limit = options.list_time,
                     .on_piece =
                         [&](std::string_view piece) {
                           bytes += piece.size();
                           return bytes <= options.max_list_bytes && stream.Feed(piece);
                         }},
                    stop);
  if (bytes > options.max_list_bytes)
    return {.failure = Failure::kTooLarge,
            .sentence = fmt::format("the list is larger than {} bytes", options.max_list_bytes)};
  if (outcome.failure == Failure::kGarbage || (outcome.ok() && !stream.whole()))
    return {.failure = Failure::kGarbage, .sentence = "the list is no JSON"};
  if (!outcome.ok()) return outcome;
  head = stream.head();
  if (!head.Get(reading.kind).ends_with("List") || head.Get(reading.version).empty() ||
      stream.documents() != 1)
    return {.failure = Failure::kGarbage, .sentence = "the answer is no list of objects"};
  return outcome;
}

class WatcherThread final : public Watcher {
 public:
  WatcherThread(WatchOptions options, WatchHandler& handler, const Clock& clock,
                telemetry::Registry& registry)
      : options_(std::move(options)),
        handler_(handler),
        clock_(clock),
        requester_(options_.access),
        list_reading_(options_.fields),
        event_reading_(options_.fields),
        backoff_(options_.backoff, options_.seed),
        random_(options_.seed),
        lists_(registry.counter("wirespan_kube_lists_total", "Whole lists asked for", Labels())),
        restarts_(registry.counter("wirespan_kube_watch_restarts_total",
                                   "Watches begun after the first", Labels())),
        events_(registry.counter("wirespan_kube_events_total",
                                 "Events of watches, bookmarks included", Labels())),
        current_(registry.gauge("wirespan_kube_current",
                                "1: what is known of Kubernetes is listed and being watched",
                                Labels())) {
    for (std::size_t i = 1; i < kFailures; ++i) {
      if (static_cast<Failure>(i) == Failure::kStopped) continue;
      errors_[i] =
          &registry.counter("wirespan_kube_errors_total", "Requests to the API server that failed",
                            {{"resource", options_.resource},
                             {"reason", std::string(FailureName(static_cast<Failure>(i)))}});
    }
    age_ = registry.AddScopedCollector(
        "wirespan_kube_last_event_age_seconds",
        "Since the API server last said something; absent before it did", false,
        [this](std::vector<telemetry::Sample>& out) {
          const std::uint64_t last_ns = state().last_event_ns;
          if (last_ns == 0) return;
          const std::uint64_t now_ns = std::max(clock_.monotonic_ns(), last_ns);
          out.push_back({"wirespan_kube_last_event_age_seconds", Labels(),
                         static_cast<double>(now_ns - last_ns) * 1e-9});
        });
    thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
  }

  ~WatcherThread() override { age_.reset(); }

  WatchState state() const override {
    const std::lock_guard lock(mutex_);
    return state_;
  }

  bool WaitListed(milliseconds timeout) const override {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return state_.listed; });
  }

 private:
  telemetry::Labels Labels() const { return {{"resource", options_.resource}}; }

  // True: go on.
  bool Pause(milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
  }

  milliseconds Between(milliseconds low, milliseconds high) {
    return milliseconds(
        std::uniform_int_distribution<milliseconds::rep>(low.count(), high.count())(random_));
  }

  void Loop(const std::stop_token& stop) {
    if (!Pause(Between(milliseconds(0), options_.first_jitter), stop)) return;
    while (!stop.stop_requested()) {
      const Outcome outcome = version_.empty() ? List(stop) : Watch(stop);
      if (outcome.failure == Failure::kStopped) return;
      if (outcome.ok()) continue;
      errors_[static_cast<std::size_t>(outcome.failure)]->Add();
      if (outcome.failure == Failure::kGone) {
        // The next list must not come from a cache that is as old as the last one.
        version_.clear();
        consistent_ = true;
      }
      const milliseconds wait =
          backoff_.Next(clock_.monotonic_ns(),
                        std::min(outcome.retry_after.value_or(milliseconds(0)), kMaxRetryAfter));
      Tell(outcome, wait);
      if (!Pause(wait, stop)) return;
    }
  }

  Outcome List(const std::stop_token& stop) {
    lists_.Add();
    handler_.OnList();
    // 0: as some API server has it in memory, which costs etcd nothing.
    std::string parameters = consistent_ ? "" : "resourceVersion=0";
    for (int page = 0; page < kMaxPages; ++page) {
      Object head;
      Outcome outcome = ListPage(
          requester_, options_, list_reading_, parameters, stop,
          [&](Object& object) { handler_.OnObject(object); }, head);
      if (!outcome.ok()) return outcome;
      const std::string_view next = head.Get(list_reading_.next);
      if (!next.empty()) {
        parameters = "continue=" + EscapeQuery(next);
        continue;
      }
      version_ = head.Get(list_reading_.version);
      consistent_ = false;
      handler_.OnListed();
      Listed();
      return outcome;
    }
    return {.failure = Failure::kGarbage, .sentence = "the list has no end"};
  }

  Outcome Watch(const std::stop_token& stop) {
    if (watches_++ > 0) restarts_.Add();
    const auto time = Between(options_.watch_time, 2 * options_.watch_time);
    const std::uint64_t begin_ns = clock_.monotonic_ns();
    Outcome event_failure;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;  // since the last event
    ObjectStream stream(event_reading_.projection, "", [&](Object& event) {
      event_failure = TakeEvent(event);
      if (event_failure.ok()) ++events;
      bytes = 0;
      return event_failure.ok();
    });
    Outcome outcome = requester_.Run(
        {.target =
             ListTarget(options_, fmt::format("watch=1&allowWatchBookmarks=true&resourceVersion={}&"
                                              "timeoutSeconds={}",
                                              EscapeQuery(version_), time.count() / 1000)),
         .accept = std::string(options_.metadata_only ? kAcceptMetadataOfWatch : kAcceptAll),
         .timeout = time + milliseconds(30000),
         .quiet_limit = options_.quiet_limit,
         .on_piece =
             [&](std::string_view piece) {
               bytes += piece.size();
               return stream.Feed(piece) && bytes <= options_.max_event_bytes;
             }},
        stop);
    const bool worked =
        events > 0 || (outcome.ok() && clock_.monotonic_ns() - begin_ns >= kShortWatchNs);
    if (worked) backoff_.Reset();
    if (!event_failure.ok()) return event_failure;
    if (bytes > options_.max_event_bytes)
      return {
          .failure = Failure::kTooLarge,
          .sentence = fmt::format("an event is larger than {} bytes", options_.max_event_bytes)};
    if (outcome.failure == Failure::kGarbage)
      return {.failure = Failure::kGarbage, .sentence = "the watch brought no JSON"};
    if (!outcome.ok()) return outcome;
    if (!stream.whole())
      return {.failure = Failure::kCut, .sentence = "the watch ended within an event"};
    if (!worked) return {.failure = Failure::kCut, .sentence = "the watch ended at once"};
    return outcome;
  }

  Outcome TakeEvent(Object& event) {
    const std::string type(event.Get(event_reading_.type));
    if (type == "ERROR") {
      const auto code = ParseUint(event.Get(event_reading_.code));
      const bool gone = code == 410u;
      return {.failure = gone ? Failure::kGone : Failure::kServer,
              .sentence = fmt::format("the watch ended with {}",
                                      gone ? "410 Gone: a new list is needed"
                                           : TruncateUtf8(event.Get(event_reading_.message), 300))};
    }
    const std::string version(event.Get(event_reading_.version));
    if (version.empty())
      return {.failure = Failure::kGarbage, .sentence = "an event has no resourceVersion"};
    if (type == "ADDED" || type == "MODIFIED") {
      handler_.OnObject(event);
    } else if (type == "DELETED") {
      handler_.OnGone(event);
    } else if (type != "BOOKMARK") {
      return {.failure = Failure::kGarbage, .sentence = "an event is of no known type"};
    }
    version_ = version;
    events_.Add();
    Worked();
    return {};
  }

  void Listed() {
    {
      const std::lock_guard lock(mutex_);
      state_.listed = true;
    }
    Worked();
    changed_.notify_all();
  }

  void Worked() {
    std::string before;
    {
      const std::lock_guard lock(mutex_);
      state_.current = true;
      state_.last_event_ns = clock_.monotonic_ns();
      before = std::exchange(state_.problem, std::string());
    }
    current_.Set(1);
    if (!before.empty()) log::Info("kubernetes: {} are told again", options_.resource);
  }

  void Tell(const Outcome& outcome, milliseconds wait) {
    bool usual = false;
    {
      const std::lock_guard lock(mutex_);
      // Servers forget old places as a matter of course: once is no problem.
      const bool first = state_.problem.empty();
      state_.current = false;
      usual = outcome.failure == Failure::kGone && first;
      if (!usual) state_.problem = outcome.sentence;
    }
    current_.Set(0);
    if (usual) return;
    log::WriteLimited(log::Level::kWarn, fmt::format("kube {}", FailureName(outcome.failure)),
                      fmt::format("kubernetes: {}: {}; trying again in {:.1f} s", options_.resource,
                                  outcome.sentence, static_cast<double>(wait.count()) / 1000));
  }

  const WatchOptions options_;
  WatchHandler& handler_;
  const Clock& clock_;
  Requester requester_;
  const ListReading list_reading_;
  const EventReading event_reading_;
  retry::Backoff backoff_;
  std::mt19937_64 random_;
  std::string version_{};    // where a watch goes on; empty: list first
  bool consistent_ = false;  // the next list is to be of now
  std::uint64_t watches_ = 0;

  mutable std::mutex mutex_;  // guards state_
  mutable std::condition_variable changed_;
  WatchState state_{};

  telemetry::Counter& lists_;
  telemetry::Counter& restarts_;
  telemetry::Counter& events_;
  telemetry::Gauge& current_;
  std::array<telemetry::Counter*, kFailures> errors_{};
  telemetry::Registry::CollectorHandle age_{};
  std::jthread thread_{};  // last: ends before what it uses
};

}  // namespace

std::unique_ptr<Watcher> Watcher::Start(WatchOptions options, WatchHandler& handler,
                                        const Clock& clock, telemetry::Registry& registry) {
  return std::make_unique<WatcherThread>(std::move(options), handler, clock, registry);
}

Result<> TryList(const WatchOptions& options, milliseconds timeout) {
  WatchOptions once = options;
  once.list_time = timeout;
  Requester requester(options.access);
  const ListReading reading({});
  Object head;
  const Outcome outcome =
      ListPage(requester, once, reading, "limit=1", std::stop_token(), [](Object&) {}, head);
  if (outcome.ok()) return {};
  const bool denied =
      outcome.failure == Failure::kUnauthorized || outcome.failure == Failure::kForbidden;
  return Fail(denied ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable, outcome.sentence);
}

}  // namespace wirespan::kube
