#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/connection/coverage.h"
#include "agent/connection/event.h"
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
  };
  Http1Context(Limits limits, ExchangeObserver& observer, Ledger& ledger, CoverageTable& coverage)
      : limits(limits), observer(observer), ledger(ledger), coverage(coverage) {}
  ~Http1Context();
  Http1Context(const Http1Context&) = delete;

  PendingExchange* Acquire();
  void Release(PendingExchange* pending);

  const Limits limits;
  ExchangeObserver& observer;
  Ledger& ledger;
  CoverageTable& coverage;
  std::uint64_t open_exchanges = 0;
  http1::HeadOut scratch{};

 private:
  std::uint64_t next_key_ = 1;
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
class Http1Connection {
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
  ~Http1Connection();  // every exchange must have ended: Finish or Drop first
  Http1Connection(const Http1Connection&) = delete;

  // Takes a contiguous piece. False: `piece` is what is left, and it must wait for the other
  // direction.
  bool Feed(Direction direction, protocol::Piece& piece);
  bool MustWait(Direction direction, const protocol::Piece& piece) const;
  // Waited for too long, or too much is held: goes on with what is known.
  void Force(Direction direction);
  // An exchange is complete but for the rest of its request.
  bool stalled() const {
    return first_ != nullptr && first_->response_done && !first_->request_done;
  }
  // When its response ended; call only if stalled().
  std::uint64_t stalled_since_ns() const { return first_->exchange.response_end_ns; }
  void ForceStalled();

  // No byte of this direction will come.
  void EndDirection(Direction direction, std::uint64_t ts_ns, bool reset);
  // The connection is gone: everything ends.
  void Finish(std::uint64_t ts_ns, bool reset);
  // Everything under way is dropped for `reason`.
  void Drop(ExchangeDrop reason);

  // The connection speaks something else now.
  bool switched() const { return switched_; }
  bool switched_to_http2() const { return switched_to_http2_; }
  std::size_t open() const { return count_; }

 private:
  bool FeedRequests(protocol::Piece& piece);
  bool FeedResponses(protocol::Piece& piece);
  void OnRequestHead(const http1::HeadOut& head);
  void OnRequestEnd();
  void OnResponseHead(const http1::HeadOut& head);
  void OnResponseEnd(protocol::Outcome outcome);
  bool MayResynchronize(std::uint64_t start_ns) const;
  void Desynchronize(std::int64_t owed);
  // Ends `from` and all after it unreported. Returns how many.
  std::int64_t DropFrom(PendingExchange* from, ExchangeDrop reason);
  void CompleteFront();
  void Report(PendingExchange* pending);
  void NoteActivity(bool request, const protocol::Piece& piece);
  void Switch(const http1::HeadOut& head);

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
  bool force_response_ = false;
  bool force_request_ = false;
  bool ever_answered_ = false;
  bool overlapped_ = false;        // requests were pipelined here
  bool round_trip_ = false;        // out of step: a request was seen since
  bool requests_unclear_ = false;  // the end of the last request is not known
  bool switched_ = false;
  bool switched_to_http2_ = false;
  bool ended_ = false;               // the responses' direction
  std::int64_t owed_ = 0;            // responses still to come before the connection is in step
  std::uint64_t request_ts_ns_ = 0;  // last activity of each direction
  std::uint64_t response_ts_ns_ = 0;
};

}  // namespace wirespan::connection
