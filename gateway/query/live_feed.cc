#include "gateway/query/live_feed.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "common/base/strings.h"
#include "common/otlp/json_text.h"
#include "gateway/query/api_params.h"
#include "gateway/query/rates_api.h"
#include "gateway/sink/store/tags.h"

namespace wirespan::gateway::query {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFlushEvery{100};
// A comment, so that proxies keep the connection and a peer that is gone is met.
constexpr std::chrono::seconds kSilence{15};
constexpr std::uint64_t kNsPerUs = 1000;

// The last of these that is there, as text.
std::string AttributeOf(std::string_view message, std::uint32_t number,
                        std::initializer_list<std::string_view> keys) {
  std::string found;
  std::string scratch;
  store::ForEachAttribute(message, number, [&](std::string_view key, const AnyValue& value) {
    for (const std::string_view wanted : keys) {
      if (key == wanted) found = store::TextOf(value, scratch);
    }
  });
  return found;
}

}  // namespace

Result<LiveFilter> ReadLiveFilter(const Form& form) {
  LiveFilter filter{.service = std::string(form.Get("service")),
                    .operation = std::string(form.Get("operation"))};
  if (const std::string_view text = form.Get("min_duration_us"); !text.empty()) {
    const auto us = ParseUint(text);
    if (!us || *us > ~std::uint64_t{0} / kNsPerUs) {
      return Fail(ErrorCode::kInvalidArgument, "'min_duration_us' should be a whole number");
    }
    filter.min_duration_ns = *us * kNsPerUs;
  }
  auto errors = ReadFlag(form, "errors");
  if (!errors) return tl::unexpected(errors.error());
  filter.errors = *errors;
  return filter;
}

std::string LiveJson(const store::SpanRow& row, const store::Group& group) {
  std::string out = fmt::format(R"({{"trace_id":"{:016x}{:016x}","span_id":"{:016x}","service":)",
                                row.key.trace.high, row.key.trace.low, row.key.span);
  const auto text = [&](std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out), R"("{}":)", key);
    otlp::AppendJsonString(out, value);
  };
  otlp::AppendJsonString(out, group.service);
  out += ',';
  text("operation", row.name);
  fmt::format_to(std::back_inserter(out),
                 R"(,"kind":"{}","start_us":{},"duration_us":{:.3f},"error":{},)",
                 NameOfKind(row.key.kind), row.start_ns / kNsPerUs,
                 static_cast<double>(row.duration_ns) / static_cast<double>(kNsPerUs), row.error);
  text("status", AttributeOf(row.span, 9,
                             {"http.response.status_code", "rpc.response.status_code",
                              "rpc.grpc.status_code"}));
  out += ',';
  const std::string_view resource = store::FindMessage(group.resource_head, 1);
  std::string node = AttributeOf(resource, 1, {"k8s.node.name"});
  if (node.empty()) node = AttributeOf(resource, 1, {"host.name"});
  text("node", node);
  return out + "}";
}

LiveFeed::LiveFeed() : writer_([this] { Run(); }) {}

void LiveFeed::Close() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ends_.notify_all();
  if (writer_.joinable()) writer_.join();
  const std::lock_guard lock(mutex_);
  for (Listener& listener : listeners_) listener.stream->Finish();
  listeners_.clear();
  any_ = false;
}

void LiveFeed::Serve(const http::Request& request, http::Responder& responder) {
  if (request.method != "GET") return responder.Send(ApiFailure(405, "only GET is known here"));
  auto filter = ReadLiveFilter(Form(request.query));
  if (!filter) return responder.Send(ApiFailure(400, filter.error().message));
  const std::lock_guard lock(mutex_);
  if (listeners_.size() >= kMostListeners || stopping_) {
    return responder.Send(ApiFailure(503, "too many listeners at once"));
  }
  auto stream = responder.StartStream({.headers = {{"Content-Type", "text/event-stream"},
                                                   {"Cache-Control", "no-store"},
                                                   {"X-Accel-Buffering", "no"}},
                                       .body = ": here they come\n\n"});
  if (stream == nullptr) return responder.Send(ApiFailure(505, "this needs HTTP/1.1"));
  const auto now = steady_clock::now();
  listeners_.push_back(
      {.filter = std::move(*filter), .stream = std::move(stream), .second = now, .written = now});
  any_ = true;
}

void LiveFeed::OnSpan(const store::SpanRow& row, const store::Group& group) {
  if (!any_) return;
  std::string event;
  const std::lock_guard lock(mutex_);
  for (Listener& listener : listeners_) {
    if (!listener.filter.Wants(row, group)) continue;
    const auto now = steady_clock::now();
    if (now >= listener.second + std::chrono::seconds(1)) {
      listener.second = now;
      listener.this_second = 0;
    }
    if (listener.this_second >= kMostASecond) {
      ++listener.dropped;
      continue;
    }
    ++listener.this_second;
    ++listener.spans;
    if (event.empty()) event = "data: " + LiveJson(row, group) + "\n\n";
    listener.waiting += event;
  }
}

std::size_t LiveFeed::listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.size();
}

// False: nobody is there any more.
bool LiveFeed::Flush(Listener& listener, steady_clock::time_point now) {
  if (listener.stream->gone()) return false;
  std::string piece = std::exchange(listener.waiting, {});
  const std::size_t spans = std::exchange(listener.spans, 0);
  if (listener.dropped > 0) {
    piece += fmt::format("event: dropped\ndata: {{\"count\":{}}}\n\n", listener.dropped);
  }
  if (piece.empty() && now < listener.written + kSilence) return true;
  if (piece.empty()) piece = ":\n\n";
  if (listener.stream->Write(std::move(piece))) {
    listener.dropped = 0;
    listener.written = now;
  } else {
    listener.dropped += spans;
  }
  return true;
}

void LiveFeed::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    ends_.wait_for(lock, kFlushEvery, [&] { return stopping_; });
    const auto now = steady_clock::now();
    listeners_.remove_if([&](Listener& listener) { return !Flush(listener, now); });
    any_ = !listeners_.empty();
  }
}

}  // namespace wirespan::gateway::query
