#include "tests/support/http2_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace wirespan::testing {

struct Http2ClientCallbacks {
  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
    auto& answer = static_cast<Http2Client*>(user)->answers_[frame->hd.stream_id];
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") {
      std::from_chars(text.data(), text.data() + text.size(), answer.status);
    } else if (frame->headers.cat == NGHTTP2_HCAT_HEADERS && answer.status >= 200 &&
               !answer.headers.empty()) {
      answer.trailers.emplace_back(key, text);
    } else {
      answer.headers.emplace_back(key, text);
    }
    return 0;
  }
  static int OnData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                    std::size_t size, void* user) {
    static_cast<Http2Client*>(user)->answers_[id].body.append(reinterpret_cast<const char*>(data),
                                                              size);
    return 0;
  }
  static int OnClose(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    auto& answer = static_cast<Http2Client*>(user)->answers_[id];
    answer.closed = true;
    answer.error = error;
    return 0;
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto* client = static_cast<Http2Client*>(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      client->goaway_ = true;
      client->goaway_error_ = frame->goaway.error_code;
      client->goaway_reason_.assign(reinterpret_cast<const char*>(frame->goaway.opaque_data),
                                    frame->goaway.opaque_data_len);
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      ++client->pings_;
    }
    return 0;
  }
  static ssize_t Fill(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
                      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& body = static_cast<Http2Client*>(source->ptr)->bodies_[id];
    const std::size_t size = std::min(room, body.bytes.size() - body.sent);
    std::memcpy(out, body.bytes.data() + body.sent, size);
    body.sent += size;
    if (body.sent < body.bytes.size()) return static_cast<ssize_t>(size);
    if (body.complete) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (size == 0) {
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(size);
  }
};

std::string Http2Client::Answer::Find(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

Http2Client::Http2Client(std::uint16_t port, Options options)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ended_ = true;
  }
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Http2ClientCallbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
                                                            Http2ClientCallbacks::OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Http2ClientCallbacks::OnClose);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Http2ClientCallbacks::OnFrame);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_ping_ack(option, options.answer_pings ? 0 : 1);
  nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.window}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
}

Http2Client::~Http2Client() { nghttp2_session_del(session_); }

std::int32_t Http2Client::Begin(std::string_view method, std::string_view path,
                                const Fields& fields, std::string body, bool complete) {
  Fields all = {{":method", std::string(method)},
                {":scheme", "http"},
                {":authority", "test"},
                {":path", std::string(path)}};
  all.insert(all.end(), fields.begin(), fields.end());
  std::vector<nghttp2_nv> list;
  for (auto& [name, value] : all) {
    list.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                    reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                    NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = Http2ClientCallbacks::Fill;
  const bool has_body = !body.empty() || !complete;
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                                 has_body ? &provider : nullptr, nullptr);
  bodies_[id] = {.bytes = std::move(body), .complete = complete};
  return id;
}

void Http2Client::Reset(std::int32_t stream) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
}

void Http2Client::Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

bool Http2Client::SendAll() {
  for (;;) {
    const std::uint8_t* data = nullptr;
    ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) return size == 0;
    while (size > 0) {
      const ssize_t sent =
          ::send(fd_.get(), data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        data += sent;
        size -= sent;
        continue;
      }
      pollfd entry{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
      if (errno != EAGAIN || ::poll(&entry, 1, 30000) != 1) return false;
    }
  }
}

bool Http2Client::RunUntil(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (!ended_ && !SendAll()) {
      // The peer has closed: what it said before is still to be read.
    }
    if (done()) return true;
    if (ended_ || std::chrono::steady_clock::now() > end) return false;
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 20) <= 0) continue;
    std::uint8_t bytes[65536];
    const ssize_t got = ::recv(fd_.get(), bytes, sizeof(bytes), 0);
    if (got <= 0 || nghttp2_session_mem_recv(session_, bytes, static_cast<std::size_t>(got)) < 0) {
      ended_ = true;
    }
  }
}

Http2Client::Answer Http2Client::Exchange(std::string_view method, std::string_view path,
                                          const Fields& fields, std::string body) {
  const std::int32_t id = Begin(method, path, fields, std::move(body));
  RunUntil([&] { return answers_[id].closed; });
  return answers_[id];
}

}  // namespace wirespan::testing
