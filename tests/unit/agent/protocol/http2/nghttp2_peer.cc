#include "tests/unit/agent/protocol/http2/nghttp2_peer.h"

#include <algorithm>
#include <cstdlib>

namespace wirespan::http2::testing {
namespace {

nghttp2_nv Field(const std::string& name, const std::string& value) {
  // nghttp2 copies both.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string Text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

struct Nghttp2Callbacks {
  static Nghttp2Peer& Of(void* user) { return *static_cast<Nghttp2Peer*>(user); }

  static int BeginFrame(nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
    Of(user).understood_.frames.push_back({static_cast<std::uint32_t>(header->length),
                                           static_cast<FrameType>(header->type), header->flags,
                                           static_cast<std::uint32_t>(header->stream_id)});
    return 0;
  }
  static int Header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    Of(user).understood_.headers.emplace_back(Text(name, name_size), Text(value, value_size));
    return 0;
  }
  static int Data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data,
                  std::size_t size, void* user) {
    Of(user).understood_.data[static_cast<std::uint32_t>(stream)] += Text(data, size);
    return 0;
  }
  static int Received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Nghttp2Peer& peer = Of(user);
    if (peer.server_ && frame->hd.type == NGHTTP2_HEADERS &&
        frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      peer.Answer(frame->hd.stream_id, (frame->hd.flags & kEndStream) != 0);
    }
    return 0;
  }
  static ssize_t Pad(nghttp2_session*, const nghttp2_frame* frame, std::size_t max, void* user) {
    Nghttp2Peer& peer = Of(user);
    const std::size_t more = peer.Random(3) == 0 ? peer.Random(256) : 0;
    return static_cast<ssize_t>(std::min(frame->hd.length + more, max));
  }
  static ssize_t Body(nghttp2_session* session, std::int32_t stream, std::uint8_t* out,
                      std::size_t max, std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Nghttp2Peer& peer = Of(user);
    std::size_t& left = peer.unsent_[stream];
    const std::size_t n = std::min({left, max, 1 + peer.Random(max)});
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(peer.Random(256));
    left -= n;
    if (left == 0) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (peer.server_ && peer.Random(2) == 0) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::string name = "grpc-status", value = "0";
        const nghttp2_nv trailer = Field(name, value);
        nghttp2_submit_trailer(session, stream, &trailer, 1);
      }
    }
    return static_cast<ssize_t>(n);
  }
};

Nghttp2Peer::Nghttp2Peer(bool server, unsigned seed) : server_(server), random_(seed) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Nghttp2Callbacks::BeginFrame);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Nghttp2Callbacks::Header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Nghttp2Callbacks::Data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Nghttp2Callbacks::Received);
  nghttp2_session_callbacks_set_select_padding_callback(callbacks, Nghttp2Callbacks::Pad);
  const auto create = server ? nghttp2_session_server_new : nghttp2_session_client_new;
  if (create(&session_, callbacks, this) != 0) std::abort();
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1u << 30},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, Random(2) == 0 ? 1u << 14 : 1u << 18}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 30);
}

Nghttp2Peer::~Nghttp2Peer() { nghttp2_session_del(session_); }

void Nghttp2Peer::Request() {
  std::vector<std::pair<std::string, std::string>> headers = {
      {":method", "POST"},
      {":scheme", "http"},
      {":authority", "a"},
      {":path", "/p" + std::to_string(Random(20))}};
  const std::size_t more = Random(10);
  for (std::size_t i = 0; i < more; ++i) {
    const std::size_t size = Random(8) == 0 ? Random(20000) : Random(40);
    headers.emplace_back("x-" + std::to_string(Random(9)), std::string(size, 'v'));
  }
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : headers) fields.push_back(Field(name, value));
  const nghttp2_priority_spec priority{0, 16, 0};
  const nghttp2_priority_spec other{0, 77, 0};
  nghttp2_data_provider body{{}, Nghttp2Callbacks::Body};
  const bool with_body = Random(3) != 0;
  const std::int32_t stream =
      nghttp2_submit_request(session_, Random(2) == 0 ? &priority : &other, fields.data(),
                             fields.size(), with_body ? &body : nullptr, nullptr);
  if (with_body) unsent_[stream] = Random(4) == 0 ? Random(100000) : Random(300);
  if (Random(5) == 0) nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  if (Random(5) == 0) nghttp2_submit_priority(session_, NGHTTP2_FLAG_NONE, stream, &other);
}

void Nghttp2Peer::Answer(std::int32_t stream, bool complete) {
  // nghttp2 does not tell of frames that come for a stream after its reset.
  if (complete && Random(4) == 0) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
    return;
  }
  std::vector<std::pair<std::string, std::string>> headers = {
      {":status", "200"}, {"x-answer", std::string(Random(6) == 0 ? 30000 : Random(50), 'a')}};
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : headers) fields.push_back(Field(name, value));
  if (Random(4) == 0) {
    const std::string names[] = {":method", ":scheme", ":authority", ":path"};
    const std::string values[] = {"GET", "http", "a", "/pushed"};
    std::vector<nghttp2_nv> promise;
    for (int i = 0; i < 4; ++i) promise.push_back(Field(names[i], values[i]));
    nghttp2_submit_push_promise(session_, NGHTTP2_FLAG_NONE, stream, promise.data(), promise.size(),
                                nullptr);
  }
  nghttp2_data_provider body{{}, Nghttp2Callbacks::Body};
  unsent_[stream] = Random(4) == 0 ? Random(100000) : Random(300);
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(), &body);
}

std::string Nghttp2Peer::Send() {
  std::string out;
  const std::uint8_t* data = nullptr;
  while (const ssize_t size = nghttp2_session_mem_send(session_, &data)) {
    if (size < 0) std::abort();
    out += Text(data, static_cast<std::size_t>(size));
  }
  return out;
}

void Nghttp2Peer::Receive(std::string_view octets) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
  if (taken != static_cast<ssize_t>(octets.size())) std::abort();
}

}  // namespace wirespan::http2::testing
