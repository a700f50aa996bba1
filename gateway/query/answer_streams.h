#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/http/server.h"
#include "gateway/query/api_answer.h"

namespace wirespan::gateway::query {

// Sends answers. A short one goes as a whole; of a long one, its JSON is made as the client reads
// it, so that what waits for a slow one is its spans as they are stored, not several times as much
// text. A client that is gone, or an answer that fails half-way, ends the connection before the
// last chunk. Thread-safe; a thread of its own writes.
class AnswerStreams {
 public:
  static constexpr std::size_t kShort = 256u << 10;  // bytes of body
  static constexpr std::size_t kMost = 32;           // long answers at once

  AnswerStreams();
  ~AnswerStreams() { Close(); }
  void Close();  // breaks off what is being sent; later long answers are refused. By one thread

  // Makes the beginning on the caller's thread. More than kMost long ones: 503.
  void Send(ApiAnswer answer, http::Responder& responder);
  std::size_t sending() const;

 private:
  struct Stream {
    std::unique_ptr<http::BodyStream> body{};
    std::function<Result<bool>(std::string& out)> rest{};  // null: `waiting` is the end
    std::string waiting{};
    std::size_t written = 0;  // of `waiting`
  };
  enum class Step : std::uint8_t { kOver, kNoRoom };

  void Run();
  // As far as the client takes it.
  static Step Advance(Stream& stream);

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wakes_;
  std::list<Stream> begun_{};  // not yet seen by the writer
  std::size_t sending_ = 0;
  bool stopping_ = false;

  std::thread writer_;
};

}  // namespace wirespan::gateway::query
