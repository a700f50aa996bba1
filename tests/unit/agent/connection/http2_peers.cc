#include "tests/unit/agent/connection/http2_peers.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace wirespan::connection {
namespace {

std::uint8_t* Bytes(const std::string& text) {  // nghttp2 takes pointers to non-const, only to read
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

class Fields {
 public:
  explicit Fields(bool indexing) : indexing_(indexing) {}
  void Add(std::string name, std::string value) {
    texts_.emplace_back(std::move(name), std::move(value));
  }
  const nghttp2_nv* data() {
    list_.clear();
    for (const auto& [name, value] : texts_) {
      list_.push_back(
          {Bytes(name), Bytes(value), name.size(), value.size(),
           static_cast<std::uint8_t>(indexing_ ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX)});
    }
    return list_.data();
  }
  std::size_t size() const { return texts_.size(); }

 private:
  bool indexing_;
  std::vector<std::pair<std::string, std::string>> texts_{};
  std::vector<nghttp2_nv> list_{};
};

void Must(int result) {
  if (result < 0) std::abort();
}

}  // namespace

Peers::Peers(std::mt19937& random, PeersPlan plan)
    : random_(random),
      plan_(plan),
      client_(Make(true, plan.client_table)),
      server_(Make(false, plan.server_table)) {}

Peers::~Peers() {
  nghttp2_session_del(client_);
  nghttp2_session_del(server_);
}

nghttp2_session* Peers::Make(bool client, std::uint32_t table) {
  nghttp2_session_callbacks* callbacks = nullptr;
  Must(nghttp2_session_callbacks_new(&callbacks));
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, OnSent);
  if (plan_.padding) nghttp2_session_callbacks_set_select_padding_callback(callbacks, Pad);
  nghttp2_option* option = nullptr;
  Must(nghttp2_option_new(&option));
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 64u << 10);
  nghttp2_option_set_peer_max_concurrent_streams(option, 100'000);
  nghttp2_session* session = nullptr;
  Must(client ? nghttp2_session_client_new2(&session, callbacks, this, option)
              : nghttp2_session_server_new2(&session, callbacks, this, option));
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, table},
       {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100'000}}};
  Must(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
  return session;
}

ssize_t Peers::Pad(nghttp2_session*, const nghttp2_frame* frame, std::size_t max, void* self) {
  auto& peers = *static_cast<Peers*>(self);
  const std::size_t size = frame->hd.length;
  if (peers.Chance(0.5)) return static_cast<ssize_t>(size);
  return static_cast<ssize_t>(std::min(max, size + 1 + peers.Below(60)));
}

std::string Peers::MessagesOf(std::uint64_t count) {
  std::string out;
  for (; count > 0; --count) {
    const std::size_t n = Chance(0.1) ? 20'000 : Below(150);
    out += '\0';
    for (const unsigned shift : {24u, 16u, 8u, 0u}) out += static_cast<char>(n >> shift & 0xff);
    out += std::string(n, 'm');
  }
  return out;
}

ssize_t Peers::Read(nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                    std::size_t length, std::uint32_t* flags, nghttp2_data_source* source,
                    void* self) {
  auto& peers = *static_cast<Peers*>(self);
  auto& body = *static_cast<Body*>(source->ptr);
  const std::size_t most = peers.Chance(0.3) ? 1 + peers.Below(200) : length;
  const std::size_t n = std::min({length, most, body.bytes.size() - body.at});
  std::memcpy(out, body.bytes.data() + body.at, n);
  body.at += n;
  if (body.at < body.bytes.size()) return static_cast<ssize_t>(n);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (body.trailers) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const StreamTruth& truth = peers.streams_.at(id);
    Fields trailers(peers.plan_.indexing);
    if (session == peers.client_) {
      trailers.Add("x-sent", "all");
    } else {
      if (truth.grpc_status) trailers.Add("grpc-status", std::to_string(*truth.grpc_status));
      trailers.Add("x-trailer", "t");
    }
    Must(nghttp2_submit_trailer(session, id, trailers.data(), trailers.size()));
  }
  return static_cast<ssize_t>(n);
}

std::int32_t Peers::Open(StreamTruth truth) {
  Fields fields(plan_.indexing);
  fields.Add(":method", truth.method);
  fields.Add(":scheme", "http");
  fields.Add(":path", truth.path);
  fields.Add(":authority", truth.authority);
  fields.Add("user-agent", truth.user_agent);
  if (truth.grpc) fields.Add("content-type", "application/grpc");
  if (!truth.extra.empty()) fields.Add("x-extra", truth.extra);
  auto body = std::make_unique<Body>();
  if (truth.grpc) {
    body->bytes = MessagesOf(truth.request_messages);
  } else if (truth.method == "POST") {
    body->bytes = std::string(Chance(0.2) ? 30'000 : Below(500), 'q');
    body->trailers = Chance(0.2);
  }
  const bool has_body = truth.grpc || truth.method == "POST";
  const auto id = static_cast<std::int32_t>(nghttp2_session_get_next_stream_id(client_));
  Stream& stream = bodies_[id];
  stream.request = std::move(*body);
  nghttp2_data_provider provider{{.ptr = &stream.request}, Read};
  Must(nghttp2_submit_request(client_, nullptr, fields.data(), fields.size(),
                              has_body ? &provider : nullptr, nullptr));
  streams_.emplace(id, std::move(truth));
  return id;
}

void Peers::Answer(std::int32_t id) {
  Stream& stream = bodies_.at(id);
  StreamTruth& truth = streams_.at(id);
  if (std::exchange(stream.answered, true)) return;
  if (Chance(0.1)) {
    Fields hint(plan_.indexing);
    hint.Add(":status", "103");
    hint.Add("link", "</a>");
    Must(nghttp2_submit_headers(server_, NGHTTP2_FLAG_NONE, id, nullptr, hint.data(), hint.size(),
                                nullptr));
  }
  if (plan_.pushes && Chance(0.2)) {
    Fields promise(plan_.indexing);
    promise.Add(":method", "GET");
    promise.Add(":scheme", "http");
    promise.Add(":path", "/pushed" + std::to_string(id % 7));
    promise.Add(":authority", truth.authority);
    const std::int32_t pushed = nghttp2_submit_push_promise(
        server_, NGHTTP2_FLAG_NONE, id, promise.data(), promise.size(), nullptr);
    Must(pushed);
    Fields answer(plan_.indexing);
    answer.Add(":status", "200");
    answer.Add("content-type", "x/pushed");
    Must(nghttp2_submit_response(server_, pushed, answer.data(), answer.size(), nullptr));
  }
  Fields fields(plan_.indexing);
  fields.Add(":status", std::to_string(truth.status));
  fields.Add("content-type", truth.response_type);
  bool has_body = truth.method != "HEAD" && truth.status != 204 && truth.status != 304;
  if (truth.trailers_only) {
    fields.Add("grpc-status", std::to_string(*truth.grpc_status));
    has_body = false;
  } else if (truth.grpc) {
    stream.response.bytes = MessagesOf(truth.response_messages);
    stream.response.trailers = true;
  } else {
    stream.response.bytes = std::string(Chance(0.2) ? 40'000 : Below(500), 'r');
    stream.response.trailers = Chance(0.1);
  }
  nghttp2_data_provider provider{{.ptr = &stream.response}, Read};
  Must(nghttp2_submit_response(server_, id, fields.data(), fields.size(),
                               has_body ? &provider : nullptr));
}

int Peers::OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
  auto& peers = *static_cast<Peers*>(self);
  if (session != peers.server_) return 0;
  const bool contents = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!contents) return 0;
  const std::int32_t id = frame->hd.stream_id;
  const StreamTruth& truth = peers.streams_.at(id);
  if (truth.end != StreamEnd::kOpen) return 0;
  if (peers.plan_.resets != 0 && peers.Chance(peers.plan_.resets / 2)) {
    peers.Reset(false, id, NGHTTP2_REFUSED_STREAM);
    return 0;
  }
  const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (end || truth.early) peers.Answer(id);
  return 0;
}

int Peers::OnSent(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
  auto& peers = *static_cast<Peers*>(self);
  const std::int32_t id = frame->hd.stream_id;
  const auto found = peers.streams_.find(id);
  if (found == peers.streams_.end()) return 0;
  StreamTruth& truth = found->second;
  const bool client = session == peers.client_;
  const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_DATA:
      (client ? truth.request_body : truth.response_body) += frame->hd.length - frame->data.padlen;
      if (!client && end && truth.end == StreamEnd::kOpen) truth.end = StreamEnd::kComplete;
      break;
    case NGHTTP2_HEADERS:
      if (client && !truth.sent) {
        truth.sent = true;
        truth.first_write = peers.written_.size();
      }
      if (!client && end && truth.end == StreamEnd::kOpen) truth.end = StreamEnd::kComplete;
      break;
    case NGHTTP2_RST_STREAM:
      if (truth.end == StreamEnd::kOpen)
        truth.end = client ? StreamEnd::kClientReset : StreamEnd::kServerReset;
      break;
    default:
      break;
  }
  return 0;
}

bool Peers::WriteSome(bool client, std::size_t frames) {
  nghttp2_session* from = client ? client_ : server_;
  Written out;
  out.client = client;
  for (; frames > 0; --frames) {
    const std::uint8_t* data = nullptr;
    const ssize_t n = nghttp2_session_mem_send(from, &data);
    if (n < 0) std::abort();
    if (n == 0) break;
    const std::string frame(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
    out.bytes += frame;
    std::string payload(frame.size(), '.');
    if (frame.size() > 9 && frame[0] != 'P' && frame[3] == NGHTTP2_DATA) {
      const std::size_t pad = (frame[4] & NGHTTP2_FLAG_PADDED) != 0 ? 1 : 0;
      std::fill(payload.begin() + static_cast<std::ptrdiff_t>(9 + pad), payload.end(), 'd');
    }
    out.payload += payload;
  }
  if (out.bytes.empty()) return false;
  const ssize_t taken =
      nghttp2_session_mem_recv(client ? server_ : client_, Bytes(out.bytes), out.bytes.size());
  if (taken != static_cast<ssize_t>(out.bytes.size())) std::abort();
  written_.push_back(std::move(out));
  return true;
}

bool Peers::Step() {
  if (plan_.resets != 0 && !streams_.empty() && Chance(plan_.resets)) {
    const auto at =
        std::next(streams_.begin(), static_cast<std::ptrdiff_t>(Below(streams_.size())));
    if (at->second.sent && at->second.end == StreamEnd::kOpen)
      Reset(true, at->first, NGHTTP2_CANCEL);
  }
  const bool client = Chance(0.5);
  const std::size_t frames = 1 + Below(6);
  return WriteSome(client, frames) || WriteSome(!client, frames);
}

void Peers::Flush(bool client) { WriteSome(client, 100'000); }

void Peers::SubmitGoaway(std::int32_t last_stream, std::uint32_t code) {
  Must(nghttp2_submit_goaway(server_, NGHTTP2_FLAG_NONE, last_stream, code, nullptr, 0));
}

void Peers::Reset(bool client, std::int32_t stream, std::uint32_t code) {
  Must(nghttp2_submit_rst_stream(client ? client_ : server_, NGHTTP2_FLAG_NONE, stream, code));
}

std::size_t Peers::open() const {
  return static_cast<std::size_t>(
      std::count_if(streams_.begin(), streams_.end(),
                    [](const auto& one) { return one.second.end == StreamEnd::kOpen; }));
}

std::size_t Peers::ended() const {
  return static_cast<std::size_t>(std::count_if(
      streams_.begin(), streams_.end(),
      [](const auto& one) { return one.second.sent && one.second.end != StreamEnd::kOpen; }));
}

std::size_t Peers::sent() const {
  return static_cast<std::size_t>(std::count_if(streams_.begin(), streams_.end(),
                                                [](const auto& one) { return one.second.sent; }));
}

StreamTruth AnyStream(std::mt19937& random, int i) {
  const auto below = [&](std::size_t n) { return random() % n; };
  StreamTruth out;
  out.grpc = below(2) == 0;
  static const char* const kMethods[] = {"GET", "POST", "HEAD", "BREW"};
  out.method = out.grpc ? "POST" : kMethods[below(4)];
  out.path = below(3) == 0 ? "/pkg.Service/Method" + std::to_string(below(5))
                           : "/once/" + std::to_string(i);
  out.authority = below(2) == 0 ? "a.example" : "b" + std::to_string(below(3)) + ".example";
  out.user_agent = "agent/" + std::to_string(below(4));
  if (out.grpc) {
    out.status = 200;
    out.response_type = "application/grpc";
    out.grpc_status = static_cast<int>(below(3) == 0 ? below(17) : 0);
    out.trailers_only = below(6) == 0;
    out.request_messages = below(4) == 0 ? below(10) : 1;
    out.response_messages = out.trailers_only ? 0 : below(4) == 0 ? below(10) : 1;
  } else {
    static const int kStatuses[] = {200, 201, 204, 304, 404, 503, 299};
    out.status = kStatuses[below(7)];
    out.response_type =
        "x/" + std::to_string(below(2) == 0 ? below(4) : static_cast<std::size_t>(i));
  }
  out.early = below(8) == 0;
  if (below(30) == 0) out.extra = std::string(20'000, 'e');
  return out;
}

}  // namespace wirespan::connection
