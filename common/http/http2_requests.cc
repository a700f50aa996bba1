#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "common/base/strings.h"
#include "common/http/http2_headers.h"
#include "common/http/http2_session.h"
#include "common/http/server_message.h"
#include "common/telemetry/log.h"

namespace wirespan::http::internal {

namespace {

std::string_view View(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// RFC 9113 6.5.2: what a field counts for in SETTINGS_MAX_HEADER_LIST_SIZE beside its text.
constexpr std::size_t kFieldOverhead = 32;

bool IsRequestHead(const nghttp2_frame& frame) {
  return frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
}

}  // namespace

// The functions have no captures: nghttp2 hands `this` back as user_data.
nghttp2_session_callbacks* Http2Session::Callbacks() {
  static nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if (IsRequestHead(*frame)) {
            static_cast<Http2Session*>(self)->OnBeginHead(frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                 std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                 std::uint8_t, void* user) {
          auto* self = static_cast<Http2Session*>(user);
          Http2Stream* stream = self->Find(frame->hd.stream_id);
          if (stream != nullptr && IsRequestHead(*frame)) {  // trailers say nothing to us
            self->OnField(*stream, View(name, name_size), View(value, value_size));
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                 std::size_t size, void* user) {
          auto* self = static_cast<Http2Session*>(user);
          if (Http2Stream* stream = self->Find(id)) self->OnBody(*stream, View(data, size));
          nghttp2_session_consume(session, id, size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          auto* self = static_cast<Http2Session*>(user);
          self->CountFrame(*frame);
          Http2Stream* stream = self->Find(frame->hd.stream_id);
          if (stream == nullptr) return 0;
          const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
          if (IsRequestHead(*frame)) {
            self->OnHeadEnd(*stream, last);
          } else if (last &&
                     (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
            self->OnWhole(*stream);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_send_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          static_cast<Http2Session*>(self)->OnSent(*frame);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
          static_cast<Http2Session*>(self)->OnClosed(id);
          return 0;
        });
    return made;
  }();
  return callbacks;
}

Http2Stream* Http2Session::Find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void Http2Session::OnBeginHead(std::int32_t id) {
  Http2Stream& stream = streams_[id];
  stream.id = id;
  stream.request.peer = peer_;
  stream.request.http2 = true;
  stream.body_limit = core_->options.max_body_bytes;
  stream.started = heard_;
  stream.deadline = heard_ + core_->options.idle_timeout;
  WakeAt(stream.deadline);
}

void Http2Session::OnField(Http2Stream& stream, std::string_view name, std::string_view value) {
  stream.head_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream.head_bytes > core_->options.max_header_bytes) {
    stream.head_too_large = true;
    return;
  }
  AddField(stream.request, name, value);
}

void Http2Session::OnHeadEnd(Http2Stream& stream, bool last) {
  if (stream.head_too_large) return Refuse(stream, 431);
  stream.head_only = stream.request.method == "HEAD";
  const Headers& headers = stream.request.headers;
  const std::string_view type = FindHeader(headers, "content-type").value_or("");
  if (core_->options.body_limit) stream.body_limit = core_->options.body_limit(type);
  if (const auto length = FindHeader(headers, "content-length")) {
    // nghttp2 holds the peer to it.
    if (const auto bytes = ParseUint(*length); !bytes || *bytes > stream.body_limit) {
      return Refuse(stream, 413);
    }
  }
  if (stream.request.path.empty()) return Refuse(stream, 400);  // CONNECT
  if (last) return OnWhole(stream);
  if (EqualsIgnoreCase(FindHeader(headers, "expect").value_or(""), "100-continue")) {
    Http2Headers go_on;
    go_on.Add(":status", "100");
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, go_on.list().data(),
                           go_on.list().size(), nullptr);
  }
}

void Http2Session::OnBody(Http2Stream& stream, std::string_view bytes) {
  if (stream.whole) return;  // refused
  if (stream.request.body.size() + bytes.size() > stream.body_limit) return Refuse(stream, 413);
  if (core_->options.admit_body && stream.admitted == nullptr) {
    stream.admitted = core_->options.admit_body();
    if (stream.admitted == nullptr) return Refuse(stream, 503);
  }
  stream.counted_bytes += bytes.size();
  if (core_->receiving_bytes.fetch_add(bytes.size()) + bytes.size() >
      core_->options.max_receiving_bytes) {
    return Refuse(stream, 503);
  }
  stream.request.body.append(bytes);
  stream.deadline = stream.started + TimeFor(stream.request.body.size());
}

void Http2Session::OnWhole(Http2Stream& stream) {
  if (std::exchange(stream.whole, true)) return;
  ReleaseBody(stream);
  stream.deadline = Http2Stream::kNever;
  if (core_->stopped) return Close();
  ++core_->requests;
  try {
    core_->handler(std::move(stream.request), MakeHttp2Responder(core_, Self(), stream.id));
  } catch (const std::exception& exception) {
    log::WriteLimited(log::Level::kError, "http-server-handler",
                      std::string("http server: a handler failed: ") + exception.what());
  }
}

void Http2Session::ReleaseBody(Http2Stream& stream) {
  core_->receiving_bytes -= std::exchange(stream.counted_bytes, 0);
  stream.admitted.reset();
}

void Http2Session::Refuse(Http2Stream& stream, int status) {
  if (stream.answered) return;
  ++core_->invalid;
  stream.whole = true;
  ReleaseBody(stream);
  stream.request.body = {};
  Response response = PlainRefusal(status);
  if (core_->options.refusal) {
    response = core_->options.refusal(
        status, FindHeader(stream.request.headers, "content-type").value_or(""));
  }
  SendAnswer(stream, std::move(response));
}

void Http2Session::Answer(std::int32_t id, Response response) {
  Http2Stream* stream = Find(id);
  if (stream == nullptr || stream->answered || closed_) return;
  SendAnswer(*stream, std::move(response));
  Pump();
}

void Http2Session::SendAnswer(Http2Stream& stream, Response response) {
  stream.answered = true;
  stream.response = std::move(response);
  stream.deadline = Now() + TimeFor(stream.response.body.size());
  WakeAt(stream.deadline);
  Http2Headers head = Http2Headers::HeadOf(stream.response);
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
                          std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
    auto* self = static_cast<Http2Session*>(source->ptr);
    Http2Stream* found = self->Find(id);
    if (found == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return self->FillBody(*found, out, room, flags);
  };
  const bool has_body =
      !stream.head_only && (!stream.response.body.empty() || !stream.response.trailers.empty());
  nghttp2_submit_response(session_, stream.id, head.list().data(), head.list().size(),
                          has_body ? &body : nullptr);
}

ssize_t Http2Session::FillBody(Http2Stream& stream, std::uint8_t* out, std::size_t room,
                               std::uint32_t* flags) {
  const std::string& body = stream.response.body;
  const std::size_t size = std::min(room, body.size() - stream.sent_bytes);
  std::memcpy(out, body.data() + stream.sent_bytes, size);
  stream.sent_bytes += size;
  if (stream.sent_bytes == body.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream.response.trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      Http2Headers trailers = Http2Headers::TrailersOf(stream.response);
      nghttp2_submit_trailer(session_, stream.id, trailers.list().data(), trailers.list().size());
    }
  }
  return static_cast<ssize_t>(size);
}

// RFC 9113 8.1: an answer that came before the request's end asks for the rest not to be sent.
void Http2Session::OnSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) Broken();
  if (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS) return;
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  const std::int32_t id = frame.hd.stream_id;
  if (nghttp2_session_get_stream_remote_close(session_, id) == 0) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }
}

void Http2Session::OnClosed(std::int32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Http2Stream stream = std::move(found->second);
  streams_.erase(found);
  ReleaseBody(stream);
  if (!stream.answered) {
    ++core_->http2_resets;
    if (stream.gone) stream.gone();
  }
  if (streams_.empty()) {
    idle_since_ = Now();
    WakeAt(idle_since_ + IdleTimeout());
  }
}

void Http2Session::Watch(std::int32_t id, std::function<void()> gone) {
  Http2Stream* stream = Find(id);
  if (stream == nullptr || closed_) return gone();  // before the handler had come so far
  if (!stream->answered) stream->gone = std::move(gone);
}

void Http2Session::AnswerBy(std::int32_t id, TimePoint deadline, Response late) {
  Http2Stream* stream = Find(id);
  if (stream == nullptr || stream->answered) return;
  stream->answer_by = deadline;
  stream->late = std::move(late);
  WakeAt(deadline);
}

}  // namespace wirespan::http::internal
