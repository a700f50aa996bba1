// How exchanges leave a connection: reported, dropped, taken over, or cut short by its end.
#include <algorithm>
#include <utility>

#include "agent/connection/http1_connection.h"
#include "agent/protocol/http1/body.h"
#include "agent/protocol/http1/field.h"

namespace wirespan::connection {
namespace {

using http1::HeadOut;
using http1::StreamEvent;
using protocol::Exchange;
using protocol::Outcome;

}  // namespace

void Http1Connection::Switch(const HeadOut& head) {
  state_ = http1::EqualsLower(head.response.upgrade, "h2c") ? State::kHttp2 : State::kOpaque;
  DropFrom(unanswered_, ExchangeDrop::kUpgraded);
  for (PendingExchange* pending = first_; pending != nullptr; pending = pending->next) {
    pending->request_done = pending->response_done = true;
    if (pending != answering_) continue;
    pending->exchange.outcome = Outcome::kUpgraded;
    if (!pending->exchange.request_body_bytes)
      pending->exchange.request_body_bytes = requests_.payload();
  }
  sending_ = answering_ = nullptr;
  CompleteFront();
}

// Its answer comes on stream 1: the 101 is an interim response.
void Http1Connection::SwitchToHttp2() {
  context_.ledger.Saw(Message::kInterim);
  state_ = State::kHttp2;
  DropFrom(unanswered_->next, ExchangeDrop::kUpgraded);
  unanswered_ = first_;
}

std::optional<Http1Connection::Upgraded> Http1Connection::TakeUpgraded() {
  PendingExchange* pending = std::exchange(first_, nullptr);
  if (pending == nullptr) return std::nullopt;
  Exchange& exchange = pending->exchange;
  if (!pending->request_done) {
    exchange.request_body_bytes = requests_.payload();
    exchange.incomplete |= protocol::kIncompleteRequestBody;
  }
  last_ = unanswered_ = sending_ = answering_ = nullptr;
  count_ = 0;
  Upgraded out{pending->key, std::move(exchange), pending->first_ts_ns};
  context_.Release(pending);
  return out;
}

void Http1Connection::CompleteFront() {
  while (first_ != nullptr && first_->response_done) {
    PendingExchange* pending = first_;
    if (!pending->request_done) {
      // Where its body ends will never be known.
      if (pending != sending_ || !requests_.unknown_end()) return;
      sending_ = nullptr;
      if ((pending->exchange.incomplete & protocol::kIncompleteRequestHead) == 0) {
        pending->exchange.request_body_bytes = requests_.payload();
        pending->exchange.incomplete |= protocol::kIncompleteRequestBody;
      }
    }
    first_ = pending->next;
    if (first_ == nullptr) {
      last_ = nullptr;
    } else if (first_->exchange.overlapped) {
      if (pending->exchange.response_end_ns <= first_->exchange.request_start_ns) {
        first_->exchange.overlapped = false;  // only their events came in another order
      } else {
        overlapped_ = true;
      }
    }
    if (unanswered_ == pending) unanswered_ = first_;
    --count_;
    Report(pending);
  }
}

void Http1Connection::Report(PendingExchange* pending) {
  const std::uint64_t key = pending->key;
  Exchange exchange = std::move(pending->exchange);
  context_.Release(pending);
  context_.exchanges.Report(key, info_, std::move(exchange));
}

std::int64_t Http1Connection::DropFrom(PendingExchange* from, ExchangeDrop reason) {
  if (from == nullptr) return 0;
  if (from->next != nullptr) overlapped_ = true;
  last_ = nullptr;
  for (PendingExchange* p = first_; p != from; p = p->next) last_ = p;
  if (last_ == nullptr) {
    first_ = nullptr;
  } else {
    last_->next = nullptr;
  }
  unanswered_ = nullptr;
  std::int64_t dropped = 0;
  while (from != nullptr) {
    PendingExchange* pending = std::exchange(from, from->next);
    if (sending_ == pending) sending_ = nullptr;
    if (answering_ == pending) answering_ = nullptr;
    --count_;
    ++dropped;
    const std::uint64_t key = pending->key;
    Exchange exchange = std::move(pending->exchange);
    exchange.response_end_ns = std::max(request_ts_ns_, response_ts_ns_);
    context_.Release(pending);
    context_.exchanges.Drop(key, info_, std::move(exchange), reason);
  }
  return dropped;
}

void Http1Connection::Tick(std::uint64_t now_ns, std::array<bool, 2>) {
  if (waiting() && first_->exchange.response_end_ns + context_.limits.request_rest_ns <= now_ns) {
    ForceStalled();
  }
}

void Http1Connection::ForceStalled() {
  if (first_ == sending_) {
    sending_ = nullptr;
    first_->exchange.request_body_bytes = requests_.payload();
    first_->exchange.incomplete |= protocol::kIncompleteRequestBody;
  }
  first_->request_done = true;
  CompleteFront();
}

void Http1Connection::EndDirection(Direction direction, std::uint64_t ts_ns, bool reset) {
  if (state_ != State::kOpen) return;
  HeadOut& head = context_.scratch;
  if (direction == start_.requests) {
    while (state_ == State::kOpen) {
      const StreamEvent event = requests_.End(head);
      if (event == StreamEvent::kHead) {
        OnRequestHead(head);
      } else if (event == StreamEvent::kNeedMore) {
        break;
      } else {
        OnRequestEnd();
      }
    }
    return;
  }
  if (ended_) return;
  ended_ = true;
  bool cut = reset;
  while (state_ == State::kOpen) {
    const StreamEvent event = responses_.End(head);
    if (event == StreamEvent::kHead) {
      cut = true;
      OnResponseHead(head);
    } else if (event == StreamEvent::kNeedMore) {
      break;
    } else {
      OnResponseEnd(cut || event == StreamEvent::kLost ? Outcome::kResponseAborted
                                                       : Outcome::kComplete);
    }
  }
  for (PendingExchange* pending = unanswered_; pending != nullptr; pending = pending->next) {
    pending->answered = pending->response_done = true;
    pending->exchange.outcome = Outcome::kNoResponse;
    pending->exchange.response_end_ns = std::max(ts_ns, pending->exchange.request_end_ns);
  }
  unanswered_ = nullptr;
  CompleteFront();
}

void Http1Connection::Finish(std::uint64_t ts_ns, bool reset) {
  if (state_ != State::kOpen) return;
  EndDirection(start_.requests, ts_ns, reset);
  ended_ = false;  // requests may have come since
  EndDirection(start_.requests == Direction::kRead ? Direction::kWrite : Direction::kRead, ts_ns,
               reset);
  for (PendingExchange* pending = first_; pending != nullptr; pending = pending->next)
    pending->request_done = true;
  CompleteFront();
}

void Http1Connection::Drop(ExchangeDrop reason) {
  while (waiting()) ForceStalled();
  DropFrom(first_, reason);
}

}  // namespace wirespan::connection
