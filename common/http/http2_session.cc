#include "common/http/http2_session.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace wirespan::http::internal {

namespace {
constexpr std::size_t kBytesPerSecond = 16u << 10;
constexpr std::size_t kLeastRead = 4u << 10;  // what an idle connection holds
constexpr std::size_t kMostRead = 128u << 10;
constexpr std::size_t kWriteBytes = 64u << 10;
// Between "open no more streams" and the last word on which streams were seen (RFC 9113 6.8).
constexpr std::chrono::milliseconds kAnnouncement{500};
constexpr std::chrono::milliseconds kGoodbye{2000};
constexpr std::chrono::milliseconds kShortGoodbye{200};  // when the server itself ends
constexpr int kMaxPingStrikes = 2;

constexpr Http2Session::TimePoint kNever = Http2Session::TimePoint::max();

struct Options {
  Options() { nghttp2_option_new(&raw); }
  ~Options() { nghttp2_option_del(raw); }
  nghttp2_option* raw = nullptr;
};
}  // namespace

Http2Session::Http2Session(std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
                           std::optional<TimePoint> ends)
    : core_(std::move(core)),
      peer_(std::move(peer)),
      ends_(ends),
      lowest_(*transport.lowest),
      transport_(std::move(transport.transport)),
      timer_(lowest_.get_executor()) {
  Options options;
  nghttp2_option_set_no_auto_window_update(options.raw, 1);
  nghttp2_option_set_no_closed_streams(options.raw, 1);
  nghttp2_option_set_stream_reset_rate_limit(options.raw, kResetBurst, kResetsPerSecond);
  nghttp2_option_set_max_send_header_block_length(options.raw, 64u << 10);
  nghttp2_session_server_new2(&session_, Callbacks(), this, options.raw);

  const Http2Options& http2 = *core_->options.http2;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, http2.max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, http2.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<std::uint32_t>(core_->options.max_header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(http2.connection_window));
  ++core_->http2_connections;
}

Http2Session::~Http2Session() {
  nghttp2_session_del(session_);
  for (auto& [id, stream] : streams_) ReleaseBody(stream);
  --core_->http2_connections;
  core_->Remove(this);
}

void Http2Session::Begin(std::string_view received) {
  read_buffer_.assign(received.begin(), received.end());
}

void Http2Session::Start() {
  lowest_.expires_never();  // time is kept here, for each stream
  const TimePoint now = Now();
  idle_since_ = heard_ = second_began_ = now;
  const std::vector<char> received = std::exchange(read_buffer_, {});
  OnTime();
  Take({received.data(), received.size()});
  if (core_->draining) Drain();
  if (!closed_) Read();
}

std::chrono::steady_clock::duration Http2Session::TimeFor(std::size_t bytes) const {
  return core_->options.idle_timeout + std::chrono::seconds(bytes / kBytesPerSecond);
}

std::chrono::steady_clock::duration Http2Session::IdleTimeout() const {
  const auto own = core_->options.http2->max_connection_idle;
  if (own.count() > 0) return own;
  return core_->options.idle_timeout;
}

void Http2Session::Read() {
  if (read_buffer_.size() < kLeastRead) read_buffer_.resize(kLeastRead);
  transport_->ReadSome(asio::buffer(read_buffer_),
                       [self = Self()](beast::error_code error, std::size_t size) {
                         if (self->closed_) return;
                         if (error) return self->Close();
                         if (self->finishing_) return self->Read();
                         self->Take({self->read_buffer_.data(), size});
                         if (self->closed_) return;
                         // Large while it comes in large pieces; little for those who rest.
                         std::vector<char>& buffer = self->read_buffer_;
                         if (size == buffer.size() && size < kMostRead) {
                           buffer.resize(size * 4 > kMostRead ? kMostRead : size * 4);
                         } else if (self->streams_.empty() && buffer.size() > kLeastRead) {
                           buffer.resize(kLeastRead);
                           buffer.shrink_to_fit();
                         }
                         self->Read();
                       });
}

void Http2Session::Take(std::string_view bytes) {
  heard_ = Now();
  if (std::exchange(pinged_, std::nullopt)) WakeAt(heard_ + core_->options.http2->ping_after);
  inside_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  inside_ = false;
  if (taken < 0) {  // not HTTP/2, or a flood: nghttp2 has no more to say
    Broken();
    return Close();
  }
  Pump();
}

// Gives nghttp2's bytes to the transport, one write at a time.
void Http2Session::Pump() {
  if (writing_ || closed_ || inside_ || finishing_) return;
  inside_ = true;
  out_.clear();
  while (out_.size() < kWriteBytes) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) {
      inside_ = false;
      Broken();
      return Close();
    }
    if (size == 0) break;
    out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  inside_ = false;
  if (out_.empty()) {
    const bool over =
        nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
    if (over || (leaving_ && !last_call_ && streams_.empty())) Finish();
    return;
  }
  writing_ = true;
  write_by_ = Now() + TimeFor(out_.size());
  WakeAt(*write_by_);
  WriteOut();
}

void Http2Session::WriteOut() {
  ConstBuffers buffers;
  buffers.items[buffers.count++] = asio::buffer(out_);
  transport_->WriteSome(buffers, [self = Self()](beast::error_code error, std::size_t size) {
    if (self->closed_) return;
    if (error) return self->Close();
    self->out_.erase(0, size);
    if (!self->out_.empty()) return self->WriteOut();
    self->writing_ = false;
    self->write_by_.reset();
    self->Pump();
  });
}

// All is said and written. Closing on unread bytes would reset the connection, and the peer might
// lose our last words: what it still sends is read and thrown away for a while.
void Http2Session::Finish() {
  if (std::exchange(finishing_, true)) return;
  beast::error_code ignored;
  lowest_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  abort_at_ = Now() + (core_->draining ? kShortGoodbye : kGoodbye);
  WakeAt(*abort_at_);
}

void Http2Session::Close() {
  if (std::exchange(closed_, true)) return;
  timer_.cancel();
  for (auto& [id, stream] : streams_) {
    ReleaseBody(stream);
    if (stream.whole && !stream.answered && stream.gone) std::exchange(stream.gone, nullptr)();
  }
  beast::error_code ignored;
  lowest_.socket().close(ignored);
}

void Http2Session::Broken() {
  if (!std::exchange(counted_broken_, true)) ++core_->http2_broken;
}

// The peer has misbehaved: what it has asked for has a moment to be answered.
void Http2Session::Expel(std::string_view why) {
  Broken();
  leaving_ = true;
  last_call_.reset();
  abort_at_ = Now() + kGoodbye;
  WakeAt(*abort_at_);
  nghttp2_submit_goaway(
      session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
      NGHTTP2_ENHANCE_YOUR_CALM, reinterpret_cast<const std::uint8_t*>(why.data()), why.size());
  Pump();
}

void Http2Session::Leave() {
  if (leaving_ || closed_) return;
  leaving_ = true;
  nghttp2_submit_shutdown_notice(session_);
  last_call_ = Now() + kAnnouncement;
  WakeAt(*last_call_);
  Pump();
}

void Http2Session::Drain() {
  Leave();
  if (closed_ || finishing_ || !streams_.empty()) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  last_call_.reset();
  Pump();
}

void Http2Session::Abort() { Close(); }

void Http2Session::WakeAt(TimePoint when) {
  if (closed_ || when >= armed_) return;
  armed_ = when;
  timer_.expires_at(when);
  timer_.async_wait([self = Self()](boost::system::error_code error) {
    if (!error) self->OnTime();
  });
}

void Http2Session::OnTime() {
  if (closed_) return;
  armed_ = kNever;
  const TimePoint now = Now();
  const TimePoint next = std::min(CheckStreams(now), CheckConnection(now));
  Pump();
  if (next != kNever) WakeAt(next);
}

// Ends what takes too long. When to look again.
Http2Session::TimePoint Http2Session::CheckStreams(TimePoint now) {
  TimePoint next = kNever;
  std::vector<std::int32_t> slow;
  std::vector<std::int32_t> late;
  for (const auto& [id, stream] : streams_) {
    if (now >= stream.deadline) {
      slow.push_back(id);
    } else if (now >= stream.answer_by && !stream.answered) {
      late.push_back(id);
    } else {
      next = std::min({next, stream.deadline, stream.answered ? kNever : stream.answer_by});
    }
  }
  for (const std::int32_t id : slow) {
    ++core_->timeouts;
    Http2Stream& stream = streams_.at(id);
    if (stream.answered) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
      stream.deadline = kNever;
    } else {
      Refuse(stream, 408);
    }
  }
  for (const std::int32_t id : late) {
    Http2Stream& stream = streams_.at(id);
    if (stream.gone) std::exchange(stream.gone, nullptr)();
    SendAnswer(stream, std::move(stream.late));
  }
  return next;
}

Http2Session::TimePoint Http2Session::CheckConnection(TimePoint now) {
  const Http2Options& http2 = *core_->options.http2;
  TimePoint next = kNever;
  const auto due = [&](TimePoint when) {
    if (now >= when) return true;
    next = std::min(next, when);
    return false;
  };
  const bool stuck = write_by_ && due(*write_by_);
  if (stuck) ++core_->timeouts;
  if (stuck || (abort_at_ && due(*abort_at_))) {
    Close();
    return kNever;
  }
  if (finishing_) return next;
  if (last_call_ && due(*last_call_)) {
    last_call_.reset();
    // The last stream that was seen; those that are under way go on.
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  }
  if (!leaving_ && ends_ && due(*ends_)) {
    ++core_->aged;
    const auto grace = core_->options.max_connection_age_grace;
    if (grace.count() > 0) {
      abort_at_ = now + grace;
      next = std::min(next, *abort_at_);
    }
    Leave();
    if (last_call_) next = std::min(next, *last_call_);
  }
  if (streams_.empty() && !leaving_ && due(idle_since_ + IdleTimeout())) Leave();
  if (http2.ping_after.count() > 0) {
    if (pinged_) {
      if (due(*pinged_ + http2.ping_timeout)) {
        Broken();
        Close();
        return kNever;
      }
    } else if (due(heard_ + http2.ping_after)) {
      nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
      pinged_ = now;
      next = std::min(next, now + http2.ping_timeout);
    }
  }
  if (last_call_) next = std::min(next, *last_call_);
  return next;
}

// Frames that bring no request further are cheap, but not free: enough of them are an attack.
void Http2Session::CountFrame(const nghttp2_frame& frame) {
  const auto type = frame.hd.type;
  const bool useful = type == NGHTTP2_HEADERS || (type == NGHTTP2_DATA && frame.hd.length > 0);
  if (useful) return;
  const TimePoint now = heard_;
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    quiet_frames_ = 0;
  }
  bool too_many = ++quiet_frames_ > kQuietFramesPerSecond;
  const auto least = core_->options.http2->min_ping_interval;
  if (type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0 && least.count() > 0) {
    if (peer_pinged_ && now - *peer_pinged_ < least) {
      too_many = too_many || ++ping_strikes_ > kMaxPingStrikes;
    }
    peer_pinged_ = now;
  }
  if (too_many && !counted_broken_) {
    Expel(type == NGHTTP2_PING ? "too_many_pings" : "too_many_frames");  // gRPC knows the first
  }
}

std::shared_ptr<SessionBase> MakeHttp2Session(
    std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
    std::string_view received, std::optional<std::chrono::steady_clock::time_point> ends) {
  auto session =
      std::make_shared<Http2Session>(std::move(core), std::move(peer), std::move(transport), ends);
  session->Begin(received);
  return session;
}

}  // namespace wirespan::http::internal
