#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/connection/event.h"
#include "agent/connection/exchange_context.h"
#include "agent/connection/http_connection.h"
#include "agent/connection/ledger.h"
#include "agent/connection/observed_exchange.h"
#include "agent/protocol/http1/stream_machine.h"

namespace wirespan::connection {

// An exchange under way.
struct PendingExchange {
  std::uint64_t key = 0;
  protocol::Exchange exchange{};
  std::uint64_t first_ts_ns = 0;  // of the event with the request's first byte
  bool answered = false;          // its final response's head was read
  bool request_done = false;
  bool response_done = false;
  bool may_switch = false;  // CONNECT or Upgrade: what follows depends on the answer
  PendingExchange* next = nullptr;
};

// What all connections of a table share. One thread.
class Http1Context {
 public:
  struct Limits {
    std::size_t max_head_bytes = 64u << 10;
    std::size_t max_pipelined = 1024;
    std::uint64_t resync_quiet_ns = 1'000'000'000;
    // How long a complete response waits for the rest of its request.
    std::uint64_t request_rest_ns = 1'000'000'000;
  };
  Http1Context(Limits limits, ExchangeContext& exchanges)
      : limits(limits), exchanges(exchanges), ledger(exchanges.ledger) {}
  ~Http1Context();
  Http1Context(const Http1Context&) = delete;

  PendingExchange* Acquire();
  void Release(PendingExchange* pending);

  const Limits limits;
  ExchangeContext& exchanges;
  Ledger& ledger;
  http1::HeadOut scratch{};

 private:
  PendingExchange* free_ = nullptr;
  std::size_t free_count_ = 0;
};

// Pairs the requests of one direction with the responses of the other: response i belongs to
// request i.
//
// In step: every request since some moment was seen, so the next final response belongs to the
// first unanswered one. Out of step (a head was lost): responses are counted, not paired, except
// those to requests seen before a loss in the requests' direction. Back in step at a request that
// began when everything before was over:
//   - the last bytes before it were a response's, and
//   - as many responses came as are owed; or, if requests never overlapped here, one more round
//   trip was seen;
//   - or both directions were quiet for resync_quiet_ns.
// A request is never paired with a response that was there before it began.
class Http1Connection final : public HttpConnection {
 public:
  struct Start {
    Direction requests = Direction::kRead;
    bool joined_late = false;      // of the connection
    bool responses_exact = false;  // the responses' direction is known from its first byte
    bool requests_skipped =
        false;  // bytes before this were not recognised: a request may be among them
    std::uint64_t request_ts_ns = 0;  // of the last bytes skipped in each direction
    std::uint64_t response_ts_ns = 0;
    std::string proxy_client_address{};
    std::uint16_t proxy_client_port = 0;
  };
  // `info` outlives it, and is what exchanges get as their connection.
  Http1Connection(Http1Context& context, const std::shared_ptr<const ConnectionInfo>& info,
                  Start start);
  ~Http1Connection() override;
  Http1Connection(const Http1Connection&) = delete;

  bool Feed(Direction direction, protocol::Piece& piece) override;
  bool MustWait(Direction direction, const protocol::Piece& piece) const override;
  void Force(Direction direction) override;
  bool ordered() const override { return true; }
  // An exchange is complete but for the rest of its request.
  bool waiting() const override {
    return first_ != nullptr && first_->response_done && !first_->request_done;
  }
  void Tick(std::uint64_t now_ns, std::array<bool, 2> behind) override;
  void EndDirection(Direction direction, std::uint64_t ts_ns, bool reset) override;
  void Finish(std::uint64_t ts_ns, bool reset) override;
  void Drop(ExchangeDrop reason) override;
  State state() const override { return state_; }
  std::size_t open() const override { return count_; }
  std::uint64_t oldest_ns() const override {
    return first_ != nullptr ? first_->exchange.request_start_ns : 0;
  }

  // State::kHttp2: the upgraded request, whose response comes on stream 1, leaves. Nothing: it was
  // not known. Each direction's next octet is HTTP/2's, if so much is known of it.
  struct Upgraded {
    std::uint64_t key = 0;
    protocol::Exchange exchange{};
    std::uint64_t first_ts_ns = 0;
  };
  std::optional<Upgraded> TakeUpgraded();
  Direction requests() const { return start_.requests; }
  bool requests_at_boundary() const { return requests_.at_boundary(); }

 private:
  void ForceStalled();
  bool FeedRequests(protocol::Piece& piece);
  bool FeedResponses(protocol::Piece& piece);
  void OnRequestHead(const http1::HeadOut& head);
  void OnRequestEnd();
  void OnResponseHead(const http1::HeadOut& head);
  void OnResponseEnd(protocol::Outcome outcome);
  void DropIfGuessed(const protocol::Piece& piece);
  bool MayResynchronize(std::uint64_t start_ns) const;
  void Desynchronize(std::int64_t owed);
  // Ends `from` and all after it unreported. Returns how many.
  std::int64_t DropFrom(PendingExchange* from, ExchangeDrop reason);
  void CompleteFront();
  void Report(PendingExchange* pending);
  void NoteActivity(bool request, const protocol::Piece& piece);
  void Switch(const http1::HeadOut& head);
  void SwitchToHttp2();

  Http1Context& context_;
  const std::shared_ptr<const ConnectionInfo>& info_;
  Start start_;
  http1::StreamMachine requests_;
  http1::StreamMachine responses_;

  // All pending exchanges in order of their requests; the answered ones come first.
  PendingExchange* first_ = nullptr;
  PendingExchange* last_ = nullptr;
  PendingExchange* unanswered_ = nullptr;
  std::size_t count_ = 0;
  PendingExchange* sending_ = nullptr;    // whose request is being read
  PendingExchange* answering_ = nullptr;  // whose response is being read

  bool in_step_ = true;
  bool guessed_body_ = false;  // the last response answers a request that is not known
  bool force_response_ = false;
  bool force_request_ = false;
  bool ever_answered_ = false;
  bool overlapped_ = false;        // requests were pipelined here
  bool round_trip_ = false;        // out of step: a request was seen since
  bool requests_unclear_ = false;  // the end of the last request is not known
  bool after_hole_ = false;        // the last request may have unknown ones before it
  bool request_hole_ = false;      // bytes before the next request were lost, at an unknown time
  State state_ = State::kOpen;
  bool ended_ = false;               // the responses' direction
  std::int64_t owed_ = 0;            // responses still to come before the connection is in step
  std::uint64_t request_ts_ns_ = 0;  // last activity of each direction
  std::uint64_t response_ts_ns_ = 0;
  std::uint64_t response_hole_ns_ = 0;  // responses' bytes that nobody told of passed by then
};

}  // namespace wirespan::connection
