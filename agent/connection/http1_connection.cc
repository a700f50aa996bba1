#include "agent/connection/http1_connection.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "agent/connection/http1_texts.h"
#include "agent/protocol/http1/body.h"
#include "agent/protocol/http1/field.h"
#include "agent/protocol/http1/sniff.h"

namespace wirespan::connection {
namespace {

using http1::HeadOut;
using http1::StreamEvent;
using protocol::Exchange;
using protocol::Outcome;
using protocol::Piece;

constexpr std::size_t kMaxFree = 256;

// The answer was there before the question: they don't belong together. Times of reads are of their
// return, those of writes of their entry where known, so the right pair always passes.
bool CannotAnswer(const PendingExchange& pending, std::uint64_t response_ts_ns) {
  return pending.first_ts_ns != 0 && response_ts_ns != 0 && response_ts_ns < pending.first_ts_ns;
}

}  // namespace

Http1Context::~Http1Context() {
  while (free_ != nullptr) delete std::exchange(free_, free_->next);
}

PendingExchange* Http1Context::Acquire() {
  PendingExchange* pending = free_;
  if (pending == nullptr) {
    pending = new PendingExchange;
  } else {
    free_ = pending->next;
    --free_count_;
    std::destroy_at(pending);
    std::construct_at(pending);
  }
  pending->key = exchanges.next_key++;
  ++exchanges.open_exchanges;
  return pending;
}

void Http1Context::Release(PendingExchange* pending) {
  --exchanges.open_exchanges;
  if (free_count_ >= kMaxFree) {
    delete pending;
    return;
  }
  pending->next = free_;
  free_ = pending;
  ++free_count_;
}

Http1Connection::Http1Connection(Http1Context& context,
                                 const std::shared_ptr<const ConnectionInfo>& info, Start start)
    : context_(context),
      info_(info),
      start_(std::move(start)),
      requests_(http1::Role::kRequest, context.limits.max_head_bytes),
      responses_(http1::Role::kResponse, context.limits.max_head_bytes) {
  if (!start_.responses_exact) responses_.Scan();
  request_ts_ns_ = start_.request_ts_ns;
  response_ts_ns_ = start_.response_ts_ns;
  if (start_.requests_skipped) Desynchronize(1);
}

Http1Connection::~Http1Connection() { assert(first_ == nullptr); }

bool Http1Connection::MustWait(Direction direction, const Piece& piece) const {
  if (piece.empty() || state_ != State::kOpen) return false;
  if (direction == start_.requests) {
    if (force_request_) return false;
    if (requests_.at_boundary()) return last_ != nullptr && last_->may_switch && !last_->answered;
    return requests_.unknown_end() && sending_ != nullptr &&
           !(sending_->answered && responses_.unknown_end()) && piece.whole &&
           !piece.bytes.empty() && http1::LooksLikeRequest(piece.bytes) == http1::Likeness::kYes;
  }
  if (!in_step_ || force_response_ || unanswered_ != nullptr || !responses_.at_boundary())
    return false;
  return !responses_.scanning() ||
         (!piece.bytes.empty() && piece.whole && piece.bytes.front() == 'H');
}

void Http1Connection::Force(Direction direction) {
  (direction == start_.requests ? force_request_ : force_response_) = true;
}

void Http1Connection::NoteActivity(bool request, const Piece& piece) {
  if (piece.ts_ns == 0) {  // a hole: when its bytes passed is not known
    request_hole_ |= request;
    if (!request) response_hole_ns_ = std::max(response_hole_ns_, piece.before_ns);
    return;
  }
  std::uint64_t& last = request ? request_ts_ns_ : response_ts_ns_;
  last = std::max(last, piece.ts_ns);
}

bool Http1Connection::Feed(Direction direction, Piece& piece) {
  if (state_ != State::kOpen) {
    piece.Skip(piece.size());
    return true;
  }
  return direction == start_.requests ? FeedRequests(piece) : FeedResponses(piece);
}

bool Http1Connection::FeedRequests(Piece& piece) {
  HeadOut& head = context_.scratch;
  while (state_ == State::kOpen) {
    if (MustWait(start_.requests, piece)) return false;
    requests_.set_boundary_allowed(sending_ == nullptr || sending_->answered);
    const std::uint64_t before = piece.size();
    // One call's bytes: nothing was answered in between.
    const bool same_call = !piece.whole && !requests_.in_head();
    switch (requests_.Next(piece, head)) {
      case StreamEvent::kNeedMore:
        NoteActivity(true, piece);
        if (requests_.unknown_end()) requests_unclear_ = true;
        if (!in_step_ && requests_.scanning() && before != 0 && piece.ts_ns == 0)
          ++owed_;  // at least
        if (in_step_ && requests_.scanning() &&
            requests_.at_boundary()) {  // what was skipped may hide requests
          context_.ledger.Lost(HeadLoss::kRequest);
          Desynchronize(1);
        }
        return true;
      case StreamEvent::kHead:
        overlapped_ |= same_call && !in_step_;
        OnRequestHead(head);
        break;
      case StreamEvent::kEnd:
        OnRequestEnd();
        break;
      case StreamEvent::kLost:
        force_request_ = false;
        context_.ledger.Lost(HeadLoss::kRequest);
        context_.exchanges.coverage.Of(piece.pid).unseen_bytes += before;
        Desynchronize(1);
        break;
    }
  }
  return true;
}

bool Http1Connection::FeedResponses(Piece& piece) {
  HeadOut& head = context_.scratch;
  const Direction direction =
      start_.requests == Direction::kRead ? Direction::kWrite : Direction::kRead;
  while (state_ == State::kOpen) {
    if (MustWait(direction, piece)) return false;
    const bool garbage = !piece.bytes.empty();
    const std::uint64_t before = piece.size();
    DropIfGuessed(piece);
    const StreamEvent event = responses_.Next(piece, head);
    NoteActivity(false, piece);
    switch (event) {
      case StreamEvent::kNeedMore:
        if (responses_.unknown_end() && unanswered_ != nullptr) {
          Desynchronize(DropFrom(unanswered_, ExchangeDrop::kFramingLost));
        }
        // Looking for the answer to a request, and what was skipped is not older than the request.
        if (before != 0 && responses_.scanning() && responses_.at_boundary() &&
            unanswered_ != nullptr && !CannotAnswer(*unanswered_, piece.ts_ns)) {
          context_.ledger.Lost(HeadLoss::kResponse);
          Desynchronize(DropFrom(unanswered_, ExchangeDrop::kResponseLost) - 1);
        }
        return true;
      case StreamEvent::kHead:
        OnResponseHead(head);
        break;
      case StreamEvent::kEnd:
        OnResponseEnd(Outcome::kComplete);
        break;
      case StreamEvent::kLost:
        force_response_ = false;
        context_.ledger.Lost(HeadLoss::kResponse);
        context_.exchanges.coverage.Of(piece.pid).unseen_bytes += before;
        Desynchronize(DropFrom(unanswered_, garbage ? ExchangeDrop::kResponseInvalid
                                                    : ExchangeDrop::kResponseLost) -
                      1);
        break;
    }
  }
  return true;
}

// A response whose request is not known may have answered a HEAD: what is taken for its body may be
// the answer to a request that was there by then.
void Http1Connection::DropIfGuessed(const Piece& piece) {
  if (!guessed_body_ || !responses_.in_body() || unanswered_ == nullptr || piece.empty()) return;
  if (CannotAnswer(*unanswered_, piece.ts_ns != 0 ? piece.ts_ns : piece.before_ns)) return;
  Desynchronize(DropFrom(unanswered_, ExchangeDrop::kFramingLost));
}

bool Http1Connection::MayResynchronize(std::uint64_t start_ns) const {
  if (unanswered_ != nullptr || (answering_ != nullptr && !responses_.unknown_end())) return false;
  // What a hole hides may have come just before this one, unless it is one request, whose answer
  // came.
  if (request_hole_ && (owed_ > 0 || overlapped_)) return false;
  if (responses_.in_head() || response_ts_ns_ > start_ns || response_hole_ns_ > start_ns)
    return false;
  const std::uint64_t last = std::max(request_ts_ns_, response_ts_ns_);
  if (start_ns >= last && start_ns - last >= context_.limits.resync_quiet_ns) return true;
  if (response_ts_ns_ <= request_ts_ns_) return false;
  // A body framed without knowing the request (it may answer a HEAD): believed until a round trip
  // says otherwise.
  if (responses_.in_body() && !responses_.unknown_end() && !round_trip_) return false;
  return owed_ <= 0 || (round_trip_ && !overlapped_);
}

void Http1Connection::Desynchronize(std::int64_t owed) {
  if (in_step_) {
    in_step_ = false;
    round_trip_ = false;
    owed_ = 0;
  }
  owed_ += owed;
}

void Http1Connection::OnRequestHead(const HeadOut& head) {
  const bool client = start_.requests == Direction::kWrite;
  const http1::Mark& begin = head.begin;
  // A read's entry says when the program began to wait, not when the request began.
  const std::uint64_t start_ns = client && begin.start_ns != 0 ? begin.start_ns : begin.ts_ns;
  force_request_ = false;
  context_.ledger.Saw(Message::kRequest);
  context_.ledger.Opened();

  // Where the last request ended is not known: others may hide behind it.
  after_hole_ |= requests_unclear_ || request_hole_;
  if (requests_unclear_ && in_step_) Desynchronize(0);
  requests_unclear_ = false;
  if (!in_step_ && MayResynchronize(start_ns)) {
    in_step_ = true;
    if (!responses_.at_boundary() && answering_ == nullptr) responses_.Scan();
  }
  request_hole_ = false;
  if (in_step_ && responses_.unknown_end()) {
    if (response_ts_ns_ > start_ns) {
      Desynchronize(0);
    } else {  // the next request says that the response was over
      OnResponseEnd(Outcome::kComplete);
      responses_.Scan();
    }
  }
  if (in_step_ && count_ >= context_.limits.max_pipelined) {
    Desynchronize(DropFrom(unanswered_, ExchangeDrop::kPipelineFull));
  }
  requests_.SetBody(http1::RequestBody(head.request));
  requests_unclear_ = requests_.unknown_end();
  if (!in_step_) {
    sending_ = nullptr;
    ++owed_;
    round_trip_ = true;
    request_ts_ns_ = std::max(request_ts_ns_, head.end_ts_ns);
    context_.ledger.Dropped(ExchangeDrop::kDesynchronized);
    return;
  }

  PendingExchange* pending = context_.Acquire();
  Exchange& exchange = pending->exchange;
  FillRequest(head.request, exchange);
  exchange.protocol = protocol::Protocol::kHttp1;
  exchange.side = client ? protocol::Side::kClient : protocol::Side::kServer;
  if (head.incomplete) exchange.incomplete |= protocol::kIncompleteRequestHead;
  exchange.request_start_ns = start_ns;
  exchange.request_end_ns = head.end_ts_ns;
  exchange.pid = begin.pid;
  exchange.request_tid = begin.tid;
  exchange.request_offset = begin.offset;
  exchange.wire_exact = begin.wire_exact;
  exchange.overlapped = first_ != nullptr;
  if (!start_.proxy_client_address.empty())
    exchange.proxy_client_address = start_.proxy_client_address;
  exchange.proxy_client_port = start_.proxy_client_port;
  pending->first_ts_ns = client ? begin.start_ns : begin.ts_ns;
  pending->may_switch =
      exchange.method == "CONNECT" || (!head.request.upgrade.empty() && !head.incomplete);

  if (last_ != nullptr) {
    last_->next = pending;
  } else {
    first_ = pending;
  }
  last_ = pending;
  if (unanswered_ == nullptr) unanswered_ = pending;
  ++count_;
  sending_ = pending;
  request_ts_ns_ = std::max(request_ts_ns_, head.end_ts_ns);
  context_.exchanges.observer.OnRequest(pending->key, *info_, exchange);
}

void Http1Connection::OnRequestEnd() {
  PendingExchange* pending = std::exchange(sending_, nullptr);
  if (pending == nullptr) return;
  Exchange& exchange = pending->exchange;
  exchange.request_end_ns = std::max(exchange.request_end_ns, requests_.last_ts_ns());
  if ((exchange.incomplete & protocol::kIncompleteRequestHead) == 0) {
    exchange.request_body_bytes = requests_.payload();
    if (requests_.body_incomplete()) exchange.incomplete |= protocol::kIncompleteRequestBody;
  }
  pending->request_done = true;
  CompleteFront();
}

void Http1Connection::OnResponseHead(const HeadOut& head) {
  const http1::ResponseHead& response = head.response;
  if (response.status / 100 == 1 && response.status != 101) {
    context_.ledger.Saw(Message::kInterim);
    responses_.SetBody({});
    answering_ = nullptr;
    return;
  }
  force_response_ = false;
  PendingExchange* pending = unanswered_;
  if (pending != nullptr && pending == first_ && response.status == 101 &&
      http1::EqualsLower(response.upgrade, "h2c") && !CannotAnswer(*pending, head.begin.ts_ns)) {
    return SwitchToHttp2();
  }
  context_.ledger.Saw(Message::kResponse);
  const bool earlier = pending != nullptr && CannotAnswer(*pending, head.begin.ts_ns);
  if (pending == nullptr || earlier) {
    context_.ledger.Dropped(start_.joined_late && !ever_answered_ ? ResponseDrop::kLateJoin
                            : in_step_                            ? ResponseDrop::kNoRequest
                                                                  : ResponseDrop::kDesynchronized);
    if (!earlier) {
      Desynchronize(-1);
    } else if (in_step_ && after_hole_ && ever_answered_) {  // it answers what the hole hid
      Desynchronize(DropFrom(unanswered_, ExchangeDrop::kDesynchronized) - 1);
    }
    answering_ = nullptr;
    responses_.SetBody(http1::ResponseBody(response, ""));
    guessed_body_ = true;
    if (response.status == 101) Switch(head);
    return;
  }
  context_.ledger.Paired();
  ever_answered_ = true;
  guessed_body_ = after_hole_ = false;
  Exchange& exchange = pending->exchange;
  pending->answered = true;
  unanswered_ = pending->next;
  answering_ = pending;
  exchange.status = response.status;
  const bool server = start_.requests == Direction::kRead;
  exchange.response_start_ns =
      server && head.begin.start_ns != 0 ? head.begin.start_ns : head.begin.ts_ns;
  exchange.response_end_ns = head.end_ts_ns;
  exchange.response_tid = head.begin.tid;
  AssignLine(exchange, exchange.response_content_type, response.content_type);
  if (head.incomplete) exchange.incomplete |= protocol::kIncompleteResponseHead;
  const http1::Body body = http1::ResponseBody(response, exchange.method);
  responses_.SetBody(body);
  if (body.kind == http1::BodyKind::kOpaque) {
    exchange.response_body_bytes = 0;
    Switch(head);
  } else if (body.kind == http1::BodyKind::kNone) {
    exchange.response_body_bytes = 0;
  }
}

void Http1Connection::OnResponseEnd(Outcome outcome) {
  PendingExchange* pending = std::exchange(answering_, nullptr);
  if (pending == nullptr) return;
  Exchange& exchange = pending->exchange;
  if ((exchange.incomplete & protocol::kIncompleteResponseHead) == 0) {
    exchange.response_body_bytes = responses_.payload();
    if (responses_.body_incomplete()) exchange.incomplete |= protocol::kIncompleteResponseBody;
  }
  exchange.response_end_ns = std::max(exchange.response_end_ns, responses_.last_ts_ns());
  exchange.outcome = outcome;
  pending->response_done = true;
  CompleteFront();
}

}  // namespace wirespan::connection
