// Heads and data of HTTP/2 streams.
#include "agent/connection/http2_pairing.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/protocol/grpc/text.h"

namespace wirespan::connection {
namespace {

using hpack::Name;
using protocol::Exchange;
using protocol::Outcome;
using protocol::Protocol;

// Of what comes later: content type, gRPC's message.
constexpr std::size_t kRoomForResponse = 48;
constexpr std::size_t kMaxGrpcMessage = 1024;

// A server that still sends so long after a loss was not told to stop in it.
constexpr std::uint64_t kStopsWithin = 1'000'000'000;

bool IsClientStream(std::uint32_t id) { return id % 2 == 1; }

struct RequestField {
  Name name;
  Text Exchange::* text;
};
constexpr RequestField kRequestFields[] = {
    {Name::kMethod, &Exchange::method},
    {Name::kPath, &Exchange::target},
    {Name::kScheme, &Exchange::scheme},
    {Name::kUserAgent, &Exchange::user_agent},
    {Name::kTraceparent, &Exchange::traceparent},
    {Name::kTracestate, &Exchange::tracestate},
    {Name::kForwarded, &Exchange::forwarded},
    {Name::kXForwardedFor, &Exchange::x_forwarded_for},
    {Name::kXForwardedHost, &Exchange::x_forwarded_host},
    {Name::kXForwardedProto, &Exchange::x_forwarded_proto},
    {Name::kContentType, &Exchange::request_content_type},
    {Name::kProtocol, &Exchange::upgrade},
};

enum class BlockKind : std::uint8_t { kHead, kTrailers, kEnd };

// What a block of a response is. Trailers end the stream and have no pseudo fields; where what
// stands in it is not known, kEnd: it ends the stream, as a head or as trailers.
BlockKind KindOf(const HeaderBlock& block, const Http2Stream* stream) {
  const HeaderDraft& draft = *block.draft;
  if (stream != nullptr && stream->response.head_missed) {
    return draft.without_pseudo() ? BlockKind::kTrailers : BlockKind::kEnd;
  }
  if (draft.Has(Name::kStatus)) return BlockKind::kHead;
  if (draft.without_pseudo()) return BlockKind::kTrailers;
  if (!block.end_stream) return BlockKind::kHead;
  if (stream == nullptr || stream->response.uncertain) return BlockKind::kEnd;
  if (stream->response.head) return BlockKind::kTrailers;
  return stream->key != 0 ? BlockKind::kHead : BlockKind::kEnd;
}

}  // namespace

Http2Pairing::Http2Pairing(Http2Context& context, const std::shared_ptr<const ConnectionInfo>& info,
                           Start start)
    : context_(context), info_(info), start_(std::move(start)) {}

Http2Pairing::~Http2Pairing() { assert(streams_.empty()); }

void Http2Pairing::SetLost(Half half, bool lost, std::uint64_t until_ns) {
  const std::size_t i = half == Half::kRequest ? 0 : 1;
  lost_[i] = lost;
  lost_until_ns_[i] = until_ns;
  if (half == Half::kRequest && highest_request_ == 0 && (lost || until_ns != 0))
    request_missed_ = true;
}

Http2Stream* Http2Pairing::Find(std::uint32_t id) {
  if (recent_ != nullptr && recent_->id == id) return recent_;
  const auto found = streams_.find(id);
  if (found == streams_.end()) return nullptr;
  recent_ = found->second;
  return recent_;
}

Http2Stream* Http2Pairing::Add(std::uint32_t id) {
  if (streams_.size() >= context_.limits.max_streams) return nullptr;
  Http2Stream* stream = context_.AcquireStream();
  stream->id = id;
  streams_.emplace(id, stream);
  recent_ = stream;
  return stream;
}

Http2Stream* Http2Pairing::FindOrExpect(Half half, std::uint32_t id, std::uint64_t ts_ns) {
  Http2Stream* stream = Find(id);
  if (stream != nullptr || half == Half::kRequest) return stream;
  if (!IsClientStream(id) || id <= highest_request_) return nullptr;
  stream = Add(id);
  if (stream == nullptr) {
    highest_dropped_ = std::max(highest_dropped_, id);
  } else {
    Wait(*stream, ts_ns);
  }
  return stream;
}

void Http2Pairing::Remove(Http2Stream& stream) {
  if (recent_ == &stream) recent_ = nullptr;
  streams_.erase(stream.id);
  context_.ReleaseStream(&stream);
}

void Http2Pairing::Adopt(Http1Connection::Upgraded upgraded) {
  first_request_ = highest_request_ = 1;
  Http2Stream* stream = Add(1);
  stream->key = upgraded.key;
  stream->exchange = std::move(upgraded.exchange);
  stream->exchange.protocol = Protocol::kHttp2;
  stream->exchange.version_major = 2;
  stream->exchange.version_minor = 0;
  stream->first_ts_ns = upgraded.first_ts_ns;
  stream->request.head = stream->request.ended = true;
  stream->request.bytes = stream->exchange.request_body_bytes.value_or(0);
  stream->may_be_grpc = false;
  ++open_;
  ++context_.open_streams;
  ++context_.exchanges.open_exchanges;
}

void Http2Pairing::OnRequestBlock(const HeaderBlock& block) {
  if (!IsClientStream(block.stream)) return;
  Http2Stream* stream = Find(block.stream);
  if (stream != nullptr && stream->request.head) {
    stream->request.uncertain = false;
    if (block.end_stream) EndRequest(*stream, block.end_ts_ns);
    return;
  }
  // The trailers of a request that ended, or whose head was missed.
  if (block.stream <= highest_request_) return;
  if (block.end_stream && request_missed_ && !block.draft->has_request_pseudo()) return;
  OpenRequest(block, stream);
}

void Http2Pairing::OpenRequest(const HeaderBlock& block, Http2Stream* stream) {
  if (request_missed_ && (highest_request_ != 0 || !start_.joined_late)) {
    context_.ledger.StreamsUnseen(unseen_.Add(highest_request_, block.stream));
  }
  request_missed_ = false;
  highest_request_ = block.stream;
  if (first_request_ == 0) first_request_ = block.stream;
  context_.ledger.Saw(Message::kRequest);
  context_.ledger.Opened();
  if (stream == nullptr) stream = Add(block.stream);
  if (stream == nullptr) {
    context_.ledger.Dropped(ExchangeDrop::kPipelineFull);
    return;
  }
  stream->key = context_.exchanges.next_key++;
  ++open_;
  ++context_.open_streams;
  ++context_.exchanges.open_exchanges;
  FillRequest(block, *stream);
  NoteOverlap(*stream);
  context_.exchanges.observer.OnRequest(stream->key, *info_, stream->exchange);

  const std::uint64_t begin_ns = stream->exchange.request_start_ns;
  if (stream->response.head) {  // it was there first
    context_.ledger.Saw(Message::kResponse);
    context_.ledger.Paired();
    if (stream->connect && stream->exchange.status / 100 == 2) return EndAsTunnel(*stream);
  } else if (!stream->response.ended &&
             (lost_[1] || begin_ns <= lost_until_ns_[1] || block.stream <= highest_dropped_)) {
    stream->response.uncertain = true;  // its answer may have been missed already
    Wait(*stream, begin_ns);
  }
  if (goaway_ && block.stream > goaway_last_ && !stream->response.head &&
      stream->exchange.reset == protocol::Reset::kNone) {
    stream->exchange.reset = protocol::Reset::kGoaway;
    stream->exchange.reset_code = goaway_code_;
    stream->reset_ns = std::max(goaway_ns_, stream->exchange.request_end_ns);
    Wait(*stream, stream->reset_ns);
  }
  if (block.end_stream) {
    stream->request.ended = true;
    Settle(*stream);
  }
}

void Http2Pairing::FillRequest(const HeaderBlock& block, Http2Stream& stream) {
  const HeaderDraft& draft = *block.draft;
  Exchange& exchange = stream.exchange;
  exchange.protocol = Protocol::kHttp2;
  exchange.side = client_ ? protocol::Side::kClient : protocol::Side::kServer;
  exchange.version_major = 2;
  exchange.version_minor = 0;
  std::size_t room = kRoomForResponse;
  for (const RequestField& field : kRequestFields) room += draft.Get(field.name).size();
  std::string_view host = draft.Get(Name::kAuthority);
  if (host.empty()) host = draft.Get(Name::kHost);
  exchange.texts.Reserve(room + host.size());
  for (const RequestField& field : kRequestFields) {
    exchange.*field.text = exchange.texts.Add(draft.Get(field.name));
  }
  exchange.host = exchange.texts.Add(host);
  if (draft.cut()) exchange.incomplete |= protocol::kIncompleteRequestHead;
  if (draft.unknown()) exchange.incomplete |= protocol::kIncompleteHpack;

  // A read's entry says when the program began to wait, not when the request began.
  const http2::Mark& begin = block.begin;
  exchange.request_start_ns = client_ && begin.start_ns != 0 ? begin.start_ns : begin.ts_ns;
  exchange.request_end_ns = block.end_ts_ns;
  exchange.pid = begin.pid;
  exchange.request_tid = begin.tid;
  exchange.request_offset = begin.offset;
  exchange.wire_exact = begin.wire_exact;
  exchange.stream_id = stream.id;
  if (!start_.proxy_client_address.empty())
    exchange.proxy_client_address = start_.proxy_client_address;
  exchange.proxy_client_port = start_.proxy_client_port;
  stream.first_ts_ns = client_ ? begin.start_ns : begin.ts_ns;
  stream.request.head = true;
  stream.request.uncertain = false;
  stream.connect = exchange.method == "CONNECT";

  const std::string_view type = draft.Get(Name::kContentType);
  if (!type.empty() || draft.Lacks(Name::kContentType)) stream.may_be_grpc = grpc::IsGrpc(type);
  const bool grpc =
      stream.may_be_grpc &&
      (!type.empty() || grpc::IsGrpc(exchange.response_content_type) || exchange.rpc.has_value());
  if (grpc) exchange.protocol = Protocol::kGrpc;
  if (!stream.may_be_grpc) {
    exchange.rpc.reset();
  } else {
    if (!exchange.rpc) exchange.rpc.emplace();
    if (const auto timeout = grpc::ParseTimeout(draft.Get(Name::kGrpcTimeout))) {
      exchange.rpc->timeout_ns = static_cast<std::uint64_t>(timeout->count());
    }
  }
}

// Whether others were open when it began. Where that was only one, whose end may still come out of
// order, that one takes it back.
void Http2Pairing::NoteOverlap(Http2Stream& stream) {
  if (open_ == 1) return;
  stream.exchange.overlapped = true;
  if (open_ != 2 || streams_.size() != 2) return;
  for (const auto& [id, other] : streams_) {
    if (other != &stream) other->follower = stream.id;
  }
}

void Http2Pairing::OnResponseBlock(const HeaderBlock& block) {
  if (!IsClientStream(block.stream)) return;  // pushed
  Http2Stream* stream = Find(block.stream);
  const BlockKind kind = KindOf(block, stream);
  const int status = block.draft->status();
  if (stream == nullptr && status / 100 != 1) {
    stream = FindOrExpect(Half::kResponse, block.stream, block.end_ts_ns);
  }
  if (stream == nullptr) {
    return OnAnswerToNone(block.stream, status, kind == BlockKind::kHead);
  }
  const std::uint64_t begin_ns =
      !client_ && block.begin.start_ns != 0 ? block.begin.start_ns : block.begin.ts_ns;
  const bool late = stream->reset_ns != 0 && begin_ns > stream->reset_ns;
  const bool early = stream->first_ts_ns != 0 && block.begin.ts_ns < stream->first_ts_ns;
  if (late || early) return OnAnswerToNone(block.stream, status, kind == BlockKind::kHead);

  Http2Half& response = stream->response;
  response.uncertain = false;
  stream->trailed = block.end_stream && response.bytes != 0;
  switch (kind) {
    case BlockKind::kHead:
      OnResponseHead(*stream, block, status);
      break;
    case BlockKind::kTrailers:
    case BlockKind::kEnd:  // gRPC's status stands in either
      OnTrailers(*stream, block);
      break;
  }
  stream = Find(block.stream);
  if (stream != nullptr && block.end_stream) EndResponse(*stream, block.end_ts_ns);
}

// A head that belongs to no stream that is followed.
void Http2Pairing::OnAnswerToNone(std::uint32_t id, int status, bool head) {
  if (!head) return;
  if (status / 100 == 1) {
    context_.ledger.Saw(Message::kInterim);
    return;
  }
  context_.ledger.Saw(Message::kResponse);
  context_.ledger.Dropped(WhyUnanswered(id));
}

ResponseDrop Http2Pairing::WhyUnanswered(std::uint32_t id) const {
  if (start_.joined_late && (first_request_ == 0 || id < first_request_)) {
    return ResponseDrop::kLateJoin;
  }
  return id > highest_request_ || unseen_.Contains(id) ? ResponseDrop::kNoRequest
                                                       : ResponseDrop::kStreamEnded;
}

void Http2Pairing::OnResponseHead(Http2Stream& stream, const HeaderBlock& block, int status) {
  const HeaderDraft& draft = *block.draft;
  Http2Half& response = stream.response;
  if (status / 100 == 1) {
    context_.ledger.Saw(Message::kInterim);
    return;
  }
  if (response.head) {
    // The one before, whose status is not known, was an interim one.
    if (!stream.status_unknown) return;
    context_.ledger.Saw(Message::kInterim);
  } else if (stream.key != 0) {
    context_.ledger.Saw(Message::kResponse);
    context_.ledger.Paired();
  }
  Exchange& exchange = stream.exchange;
  response.head = true;
  stream.status_unknown = status == 0;
  exchange.status = status;
  exchange.response_start_ns =
      !client_ && block.begin.start_ns != 0 ? block.begin.start_ns : block.begin.ts_ns;
  exchange.response_end_ns = block.end_ts_ns;
  exchange.response_tid = block.begin.tid;
  exchange.response_content_type = exchange.texts.Add(draft.Get(Name::kContentType));
  if (draft.cut()) exchange.incomplete |= protocol::kIncompleteResponseHead;
  if (draft.unknown()) exchange.incomplete |= protocol::kIncompleteHpack;
  if (stream.may_be_grpc && grpc::IsGrpc(exchange.response_content_type)) {
    exchange.protocol = Protocol::kGrpc;
    if (!exchange.rpc) exchange.rpc.emplace();
  }
  if (stream.connect && status / 100 == 2) return EndAsTunnel(stream);
  if (block.end_stream) OnTrailers(stream, block);
}

// What follows is not HTTP's.
void Http2Pairing::EndAsTunnel(Http2Stream& stream) {
  stream.exchange.request_body_bytes = stream.exchange.response_body_bytes = 0;
  Report(stream, Outcome::kUpgraded);
}

// Also a head that ends the stream (Trailers-Only).
void Http2Pairing::OnTrailers(Http2Stream& stream, const HeaderBlock& block) {
  const HeaderDraft& draft = *block.draft;
  Exchange& exchange = stream.exchange;
  if (!draft.Has(Name::kGrpcStatus) && !draft.Lacks(Name::kGrpcStatus)) {
    stream.trailers_known = false;
  }
  if (!stream.may_be_grpc) return;
  const std::string_view status = draft.Get(Name::kGrpcStatus);
  const std::string_view message = draft.Get(Name::kGrpcMessage);
  if (draft.Has(Name::kGrpcStatus)) {
    exchange.protocol = Protocol::kGrpc;
    if (!exchange.rpc) exchange.rpc.emplace();
    if (status.empty()) {
      stream.trailers_known = false;
    } else {
      exchange.rpc->status = grpc::ParseStatus(status);
    }
  }
  if (!message.empty() && exchange.rpc) {
    exchange.rpc->message = exchange.texts.Add(grpc::DecodeMessage(message, kMaxGrpcMessage));
  }
  if (exchange.protocol == Protocol::kGrpc && draft.unknown()) {
    exchange.incomplete |= protocol::kIncompleteHpack;
  }
}

void Http2Pairing::OnDataFrame(Half half, std::uint32_t id, std::uint32_t payload) {
  Http2Stream* stream = Find(id);
  if (stream == nullptr) return;
  if (stream->may_be_grpc) HalfOf(*stream, half).messages.BeginFrame(payload);
}

void Http2Pairing::OnData(Half half, std::uint32_t id, std::string_view bytes, std::uint64_t gap,
                          bool exact, Moment moment) {
  Http2Stream* stream = FindOrExpect(half, id, moment.ts_ns);
  if (stream == nullptr) return;
  if (stream->reset_ns != 0 && moment.at_ns > stream->reset_ns) return;
  Http2Half& side = HalfOf(*stream, half);
  side.uncertain = false;
  if (!side.head) {
    side.head_missed = true;
    side.messages.Lose();
  }
  side.bytes += bytes.size() + gap;
  if (!exact) side.body_incomplete = true;
  if (half == Half::kResponse) {
    // It would have stopped.
    if (stream->request.ended && moment.at_ns > stream->since_ns + kStopsWithin)
      stream->request.uncertain = false;
  }
  Exchange& exchange = stream->exchange;
  std::uint64_t& end_ns =
      half == Half::kRequest ? exchange.request_end_ns : exchange.response_end_ns;
  end_ns = std::max(end_ns, moment.ts_ns);
  if (!stream->may_be_grpc) return;
  side.messages.OnBytes(bytes);
  side.messages.OnGap(gap);
}

void Http2Pairing::OnAlive(Half half, std::uint32_t id) {
  Http2Stream* stream = Find(id);
  if (stream != nullptr) HalfOf(*stream, half).uncertain = false;
}

std::uint64_t Http2Pairing::oldest_ns() const {
  std::uint64_t oldest = 0;
  for (const auto& [id, stream] : streams_) {
    if (stream->key == 0) continue;
    const std::uint64_t ns = stream->exchange.request_start_ns;
    if (oldest == 0 || ns < oldest) oldest = ns;
  }
  return oldest;
}

}  // namespace wirespan::connection
