#pragma once

#include <nghttp2/nghttp2.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/http/http2_stream.h"
#include "common/http/server_core.h"
#include "common/http/server_transport.h"

namespace wirespan::http::internal {

// One HTTP/2 connection: nghttp2 reads and writes the frames, this gives it bytes and time, and
// turns streams into requests (http2_requests.cc). What a hostile peer can do is bounded:
//
//   streams at once, their heads and bodies     max_concurrent_streams, max_header_bytes,
//   body_limit bodies of all connections                   max_receiving_bytes: more is answered
//   503 a request that comes slowly or not at all   idle_timeout plus 16 KiB/s, from its first byte
//   an answer that is not taken (closed window) the same, then RST_STREAM
//   a socket that takes no bytes                the same, then the connection ends
//   CONTINUATION, SETTINGS, PING floods         nghttp2's bounds
//   resets                                      kResetsPerSecond after a burst, then GOAWAY
//   other frames without a request behind them  kQuietFramesPerSecond, then GOAWAY
class Http2Session final : public SessionBase {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Http2Session(std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
               std::optional<TimePoint> ends);
  ~Http2Session() override;

  asio::any_io_executor executor() override { return lowest_.get_executor(); }
  void Begin(std::string_view received);
  void Start() override;
  void Leave() override;
  void Drain() override;
  void Abort() override;

  // Of a stream's responder.
  void Answer(std::int32_t id, Response response);
  void Watch(std::int32_t id, std::function<void()> gone);
  void AnswerBy(std::int32_t id, TimePoint deadline, Response late);

 private:
  static constexpr std::uint64_t kResetBurst = 2000;
  static constexpr std::uint64_t kResetsPerSecond = 500;
  static constexpr std::uint32_t kQuietFramesPerSecond = 10000;

  // http2_session.cc: bytes and time.
  std::shared_ptr<Http2Session> Self() {
    return std::static_pointer_cast<Http2Session>(shared_from_this());
  }
  TimePoint Now() const { return std::chrono::steady_clock::now(); }
  std::chrono::steady_clock::duration TimeFor(std::size_t bytes) const;
  std::chrono::steady_clock::duration IdleTimeout() const;
  void Read();
  void Take(std::string_view bytes);
  void Pump();
  void WriteOut();
  void Finish();
  void Close();
  void Broken();
  void Expel(std::string_view why);
  void WakeAt(TimePoint when);
  void OnTime();
  TimePoint CheckStreams(TimePoint now);
  TimePoint CheckConnection(TimePoint now);
  void CountFrame(const nghttp2_frame& frame);

  // http2_requests.cc: what nghttp2 calls.
  static nghttp2_session_callbacks* Callbacks();
  Http2Stream* Find(std::int32_t id);
  void OnBeginHead(std::int32_t id);
  void OnField(Http2Stream& stream, std::string_view name, std::string_view value);
  void OnHeadEnd(Http2Stream& stream, bool last);
  void OnBody(Http2Stream& stream, std::string_view bytes);
  void OnWhole(Http2Stream& stream);
  void OnSent(const nghttp2_frame& frame);
  void OnClosed(std::int32_t id);
  void Refuse(Http2Stream& stream, int status);
  void SendAnswer(Http2Stream& stream, Response response);
  void ReleaseBody(Http2Stream& stream);
  ssize_t FillBody(Http2Stream& stream, std::uint8_t* out, std::size_t room, std::uint32_t* flags);

  const std::shared_ptr<Core> core_;
  const std::string peer_;
  const std::optional<TimePoint> ends_;
  PlainStream& lowest_;  // inside transport_
  std::unique_ptr<Transport> transport_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, Http2Stream> streams_{};

  std::vector<char> read_buffer_{};
  std::string out_{};  // being written
  bool writing_ = false;
  bool inside_ = false;     // nghttp2 is calling us: it must not be called
  bool finishing_ = false;  // nothing is sent any more
  bool closed_ = false;
  bool leaving_ = false;  // GOAWAY was announced
  bool counted_broken_ = false;
  std::optional<TimePoint> last_call_{};  // when the announcement is followed by the real GOAWAY
  std::optional<TimePoint> abort_at_{};   // end of whatever grace there is

  asio::steady_timer timer_;
  TimePoint armed_ = TimePoint::max();
  TimePoint idle_since_{};
  TimePoint heard_{};  // when bytes came last
  std::optional<TimePoint> pinged_{};
  std::optional<TimePoint> write_by_{};
  TimePoint second_began_{};
  std::uint32_t quiet_frames_ = 0;  // since then
  std::optional<TimePoint> peer_pinged_{};
  int ping_strikes_ = 0;
};

std::unique_ptr<Responder> MakeHttp2Responder(std::shared_ptr<Core> core,
                                              std::weak_ptr<Http2Session> session,
                                              std::int32_t stream);

}  // namespace wirespan::http::internal
