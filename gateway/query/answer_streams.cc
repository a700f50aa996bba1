#include "gateway/query/answer_streams.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/telemetry/log.h"
#include "gateway/query/jaeger_json.h"

namespace wirespan::gateway::query {

namespace {

// A connection tells nobody when it has room again. It is looked for this often: 256 KiB each time
// is more than a client reads.
constexpr std::chrono::milliseconds kLookEvery{2};
constexpr std::size_t kSlice = 128u << 10;

http::Response TooMany() {
  return {.status = 503,
          .headers = {{"Content-Type", "application/json"}, {"Retry-After", "1"}},
          .body = Envelope("null", 0, {{.code = 503, .message = "too many long answers at once"}})};
}

}  // namespace

AnswerStreams::AnswerStreams() : writer_([this] { Run(); }) {}

void AnswerStreams::Close() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wakes_.notify_all();
  if (writer_.joinable()) writer_.join();
  begun_.clear();
}

std::size_t AnswerStreams::sending() const {
  const std::lock_guard lock(mutex_);
  return sending_;
}

void AnswerStreams::Send(ApiAnswer answer, http::Responder& responder) {
  std::string& body = answer.response.body;
  while (answer.rest && body.size() < kShort) {
    const Result<bool> more = answer.rest(body);
    if (!more) {
      answer.response.status = 500;
      body = Envelope("null", 0, {{.code = 500, .message = more.error().message}});
    }
    if (!more || !*more) answer.rest = nullptr;
  }
  if (!answer.rest) return responder.Send(std::move(answer.response));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || sending_ >= kMost) return responder.Send(TooMany());
    ++sending_;
  }
  std::string beginning = std::exchange(body, {});
  Stream stream{.body = responder.StartStream(std::move(answer.response)),
                .rest = std::move(answer.rest),
                .waiting = std::move(beginning)};
  const std::lock_guard lock(mutex_);
  if (stream.body == nullptr || stopping_) {
    --sending_;
    return;
  }
  begun_.push_back(std::move(stream));
  wakes_.notify_one();
}

AnswerStreams::Step AnswerStreams::Advance(Stream& stream) {
  while (!stream.body->gone()) {
    if (stream.written < stream.waiting.size()) {
      const std::size_t size = std::min(kSlice, stream.waiting.size() - stream.written);
      if (!stream.body->Write(stream.waiting.substr(stream.written, size))) return Step::kNoRoom;
      stream.written += size;
      continue;
    }
    stream.waiting.clear();
    stream.written = 0;
    if (!stream.rest) {
      stream.body->Finish();
      return Step::kOver;
    }
    const Result<bool> more = stream.rest(stream.waiting);
    if (!more) {
      log::WriteLimited(log::Level::kWarn, "query-answer",
                        "an answer to a query is broken off: " + more.error().message);
      return Step::kOver;
    }
    if (!*more) stream.rest = nullptr;
  }
  return Step::kOver;
}

void AnswerStreams::Run() {
  std::list<Stream> streams;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (streams.empty()) {
      wakes_.wait(lock, [&] { return stopping_ || !begun_.empty(); });
    } else {
      wakes_.wait_for(lock, kLookEvery, [&] { return stopping_ || !begun_.empty(); });
    }
    streams.splice(streams.end(), begun_);
    if (stopping_) break;
    lock.unlock();
    const auto over =
        streams.remove_if([](Stream& stream) { return Advance(stream) == Step::kOver; });
    lock.lock();
    sending_ -= over;
  }
}

}  // namespace wirespan::gateway::query
