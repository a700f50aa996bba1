// How HTTP/2 streams end.
#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/connection/http2_pairing.h"
#include "agent/protocol/grpc/call.h"

namespace wirespan::connection {
namespace {

using protocol::Exchange;
using protocol::Outcome;
using protocol::Protocol;
using protocol::Reset;

grpc::Ending EndingOf(const Exchange& exchange, bool trailers_known) {
  grpc::Ending ending;
  ending.http_status = exchange.status;
  ending.elapsed = std::chrono::nanoseconds(
      exchange.response_end_ns - std::min(exchange.response_end_ns, exchange.request_start_ns));
  ending.trailers_known = trailers_known;
  if (exchange.outcome == Outcome::kComplete) return ending;
  switch (exchange.reset) {
    case Reset::kNone:
      ending.end = grpc::End::kConnection;
      return ending;
    case Reset::kClient:
      ending.end = grpc::End::kClientReset;
      break;
    case Reset::kServer:
      ending.end = grpc::End::kServerReset;
      break;
    case Reset::kGoaway:
      ending.end = grpc::End::kRefused;
      break;
  }
  ending.error_code = exchange.reset_code;
  return ending;
}

}  // namespace

void Http2Pairing::OnEndStream(Half half, std::uint32_t id, Moment moment) {
  Http2Stream* stream = FindOrExpect(half, id, moment.ts_ns);
  if (stream == nullptr) return;
  if (stream->reset_ns != 0 && moment.at_ns > stream->reset_ns) return;
  if (half == Half::kRequest) {
    EndRequest(*stream, moment.ts_ns);
  } else {
    EndResponse(*stream, moment.ts_ns);
  }
}

void Http2Pairing::EndRequest(Http2Stream& stream, std::uint64_t ts_ns) {
  stream.request.ended = true;
  stream.exchange.request_end_ns = std::max(stream.exchange.request_end_ns, ts_ns);
  Settle(stream);
}

void Http2Pairing::EndResponse(Http2Stream& stream, std::uint64_t ts_ns) {
  stream.response.ended = true;
  Exchange& exchange = stream.exchange;
  exchange.response_end_ns = std::max(exchange.response_end_ns, ts_ns);
  // Whoever gave it up later changes nothing.
  exchange.reset = Reset::kNone;
  exchange.reset_code = 0;
  if (stream.reset_ns == 0) Wait(stream, exchange.response_end_ns);
  Settle(stream);
}

void Http2Pairing::Settle(Http2Stream& stream) {
  if (stream.key == 0 || !stream.response.ended) return;
  if (stream.request.ended || stream.request.uncertain) Report(stream, Outcome::kComplete);
}

void Http2Pairing::Wait(Http2Stream& stream, std::uint64_t since_ns) {
  stream.since_ns = since_ns;
  waiting_ = true;
}

void Http2Pairing::OnReset(Half half, std::uint32_t id, std::uint32_t code, Moment moment) {
  Http2Stream* stream = FindOrExpect(half, id, moment.ts_ns);
  if (stream == nullptr) return;
  HalfOf(*stream, half).uncertain = false;
  if (stream->reset_ns == 0 || moment.ts_ns < stream->reset_ns) {
    stream->reset_ns = moment.ts_ns;
    if (!stream->response.ended) {
      stream->exchange.reset = half == Half::kRequest ? Reset::kClient : Reset::kServer;
      stream->exchange.reset_code = code;
    }
    Wait(*stream, moment.ts_ns);
  }
  if (half == Half::kRequest) {
    stream->request.ended = true;
    Settle(*stream);
  }
}

void Http2Pairing::OnGoaway(std::uint32_t last_stream, std::uint32_t code, Moment moment) {
  goaway_ = true;
  goaway_last_ = last_stream;
  goaway_code_ = code;
  goaway_ns_ = moment.ts_ns;
  for (const auto& [id, stream] : streams_) {
    if (id <= last_stream || stream->response.head || stream->reset_ns != 0) continue;
    stream->exchange.reset = Reset::kGoaway;
    stream->exchange.reset_code = code;
    stream->reset_ns = moment.ts_ns;
    Wait(*stream, moment.ts_ns);
  }
}

void Http2Pairing::OnLost(Half half, std::uint64_t now_ns) {
  lost_[half == Half::kRequest ? 0 : 1] = true;
  if (half == Half::kRequest) request_missed_ = true;
  for (auto at = streams_.begin(); at != streams_.end();) {
    Http2Stream& stream = *(at++)->second;
    Http2Half& side = HalfOf(stream, half);
    side.uncertain = true;
    if (side.head && !side.ended) {
      side.body_incomplete = true;
      side.messages.Lose();
    }
    if (stream.key == 0 || stream.reset_ns != 0) continue;  // waits already
    if (stream.response.ended) {
      Settle(stream);
    } else {
      Wait(stream, now_ns);
    }
  }
}

void Http2Pairing::Tick(std::uint64_t now_ns, bool requests_behind, bool responses_behind) {
  waiting_ = false;
  for (auto at = streams_.begin(); at != streams_.end();) {
    Http2Stream& stream = *(at++)->second;
    if (stream.key == 0 || stream.reset_ns != 0 || stream.response.ended ||
        stream.request.uncertain || stream.response.uncertain) {
      if (!EndWait(stream, now_ns, requests_behind, responses_behind)) waiting_ = true;
    }
  }
}

bool Http2Pairing::EndWait(Http2Stream& stream, std::uint64_t now_ns, bool requests_behind,
                           bool responses_behind) {
  const Http2Limits& limits = context_.limits;
  const auto over = [&](std::uint64_t wait_ns) { return stream.since_ns + wait_ns <= now_ns; };
  if (stream.key == 0) {
    if (requests_behind || !over(limits.request_wait_ns)) return false;
    DropHalf(stream);
  } else if (stream.reset_ns != 0) {
    if (requests_behind || responses_behind || !over(limits.reset_wait_ns)) return false;
    EndByReset(stream);
  } else if (stream.response.ended) {
    if (requests_behind || !over(limits.request_rest_ns)) return false;
    stream.request.body_incomplete = true;
    Report(stream, Outcome::kComplete);
  } else {
    if (!over(limits.lost_wait_ns)) return false;
    DropStream(stream, ExchangeDrop::kResponseLost);
  }
  return true;
}

void Http2Pairing::EndByReset(Http2Stream& stream) {
  if (stream.response.ended) return Report(stream, Outcome::kComplete);
  if (stream.response.uncertain && stream.exchange.reset != Reset::kServer) {
    return DropStream(stream, ExchangeDrop::kResponseLost);  // it may have been over before
  }
  stream.exchange.response_end_ns = std::max(stream.exchange.request_start_ns, stream.reset_ns);
  Report(stream, stream.response.head ? Outcome::kResponseAborted : Outcome::kNoResponse);
}

void Http2Pairing::EndHalf(Half half, std::uint64_t ts_ns) {
  for (auto at = streams_.begin(); at != streams_.end();) {
    Http2Stream& stream = *(at++)->second;
    if (half == Half::kRequest) {
      stream.request.ended = true;
      Settle(stream);
      continue;
    }
    if (stream.key == 0 || stream.response.ended) continue;
    if (stream.reset_ns != 0) {
      EndByReset(stream);
    } else if (stream.request.uncertain || stream.response.uncertain) {
      DropStream(stream, ExchangeDrop::kResponseLost);
    } else {
      stream.exchange.response_end_ns = std::max(ts_ns, stream.exchange.request_end_ns);
      Report(stream, stream.response.head ? Outcome::kResponseAborted : Outcome::kNoResponse);
    }
  }
}

void Http2Pairing::Finish(std::uint64_t ts_ns) {
  EndHalf(Half::kRequest, ts_ns);
  EndHalf(Half::kResponse, ts_ns);
}

void Http2Pairing::Drop(ExchangeDrop reason) {
  for (auto at = streams_.begin(); at != streams_.end();) {
    Http2Stream& stream = *(at++)->second;
    if (stream.key == 0) {
      DropHalf(stream);
    } else if (stream.response.ended) {
      stream.request.body_incomplete = true;
      Report(stream, Outcome::kComplete);
    } else if (stream.reset_ns != 0) {
      EndByReset(stream);
    } else {
      DropStream(stream, reason);
    }
  }
  waiting_ = false;
}

// Where the content types are entries of a table that was lost, for as long as the peers name them
// so: a POST whose both bodies are gRPC's messages to the last octet, and whose answer ends with
// trailers, is a call. The protocols that share the format have other flags (gRPC-Web, Connect) and
// no trailers.
void Http2Pairing::InferGrpc(Http2Stream& stream) {
  Exchange& exchange = stream.exchange;
  if (exchange.protocol == Protocol::kGrpc || !stream.may_be_grpc || !stream.trailed) return;
  if (exchange.method != "POST" || exchange.status != 200) return;
  if (!exchange.request_content_type.empty() || !exchange.response_content_type.empty()) return;
  if (stream.request.body_incomplete || stream.response.body_incomplete) return;
  if (!stream.request.messages.whole() || !stream.response.messages.whole()) return;
  exchange.protocol = Protocol::kGrpc;
  if (!exchange.rpc) exchange.rpc.emplace();
  exchange.rpc->protocol_inferred = true;
  exchange.incomplete |= protocol::kIncompleteHpack;
}

void Http2Pairing::FillRpc(Http2Stream& stream) {
  Exchange& exchange = stream.exchange;
  if (exchange.protocol != Protocol::kGrpc) {
    exchange.rpc.reset();
    return;
  }
  protocol::Rpc& rpc = *exchange.rpc;
  rpc.request_messages = stream.request.messages.messages();
  rpc.request_bytes = stream.request.messages.bytes();
  rpc.request_exact = stream.request.messages.exact();
  rpc.response_messages = stream.response.messages.messages();
  rpc.response_bytes = stream.response.messages.bytes();
  rpc.response_exact = stream.response.messages.exact();
  if (rpc.status) return;
  grpc::Call call;
  if (rpc.timeout_ns) call.timeout = std::chrono::nanoseconds(*rpc.timeout_ns);
  grpc::Conclude(EndingOf(exchange, stream.trailers_known && stream.response.head), call);
  rpc.status = call.status;
  rpc.status_inferred = call.status_inferred;
}

void Http2Pairing::Report(Http2Stream& stream, Outcome outcome) {
  Exchange& exchange = stream.exchange;
  if (outcome == Outcome::kComplete && !stream.response.head) {
    // That it ended is certain, and when. Its status is not known, unless trailers say it.
    exchange.incomplete |= protocol::kIncompleteResponseHead;
    stream.response.messages.Lose();
  }
  exchange.outcome = outcome;
  if (outcome == Outcome::kComplete) InferGrpc(stream);
  if (stream.request.body_incomplete) exchange.incomplete |= protocol::kIncompleteRequestBody;
  if (outcome != Outcome::kUpgraded) {
    exchange.request_body_bytes = stream.request.bytes;
    if (stream.response.head) exchange.response_body_bytes = stream.response.bytes;
    if (stream.response.body_incomplete) exchange.incomplete |= protocol::kIncompleteResponseBody;
  }
  FillRpc(stream);
  if (stream.follower != 0) {
    Http2Stream* follower = Find(stream.follower);
    if (follower != nullptr && exchange.response_end_ns <= follower->exchange.request_start_ns) {
      follower->exchange.overlapped = false;  // only their events came in another order
    }
  }
  --open_;
  --context_.open_streams;
  --context_.exchanges.open_exchanges;
  const std::uint64_t key = stream.key;
  Exchange out = std::move(exchange);
  Remove(stream);
  context_.exchanges.Report(key, info_, std::move(out));
}

void Http2Pairing::DropStream(Http2Stream& stream, ExchangeDrop reason) {
  --open_;
  --context_.open_streams;
  --context_.exchanges.open_exchanges;
  const std::uint64_t key = stream.key;
  Exchange out = std::move(stream.exchange);
  out.response_end_ns = std::max(out.response_end_ns, out.request_end_ns);
  Remove(stream);
  context_.exchanges.Drop(key, info_, std::move(out), reason);
}

// Its request never came.
void Http2Pairing::DropHalf(Http2Stream& stream) {
  highest_dropped_ = std::max(highest_dropped_, stream.id);
  if (stream.response.head) {
    context_.ledger.Saw(Message::kResponse);
    context_.ledger.Dropped(WhyUnanswered(stream.id));
  }
  Remove(stream);
}

}  // namespace wirespan::connection
