#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/connection/exchange_context.h"
#include "agent/connection/header_draft.h"
#include "agent/connection/http2_stream.h"
#include "agent/protocol/hpack/decoder.h"

namespace wirespan::connection {

struct Http2Limits {
  std::size_t max_head_bytes = 64u << 10;  // of a header block, and of what is kept of its fields
  std::size_t max_streams = 2048;          // followed on one connection
  std::uint64_t request_wait_ns =
      1'000'000'000;  // a response waits so long for its request's event
  std::uint64_t request_rest_ns = 1'000'000'000;  // ... and when complete, for its request's end
  std::uint64_t reset_wait_ns = 100'000'000;      // a reset waits for older events
  std::uint64_t lost_wait_ns = 60'000'000'000;    // a stream that may have ended unseen
};

// What all HTTP/2 connections of a table share: the numbers, and objects that are used again. One
// thread.
class Http2Context {
 public:
  Http2Context(Http2Limits limits, ExchangeContext& exchanges)
      : limits(limits), exchanges(exchanges), ledger(exchanges.ledger) {}
  ~Http2Context();
  Http2Context(const Http2Context&) = delete;

  Http2Stream* AcquireStream();
  void ReleaseStream(Http2Stream* stream);
  HeaderDraft* AcquireDraft();
  void ReleaseDraft(HeaderDraft* draft);
  hpack::Limits hpack_limits() const {
    hpack::Limits out;
    out.max_field_bytes = limits.max_head_bytes;
    return out;
  }

  const Http2Limits limits;
  ExchangeContext& exchanges;
  Ledger& ledger;
  std::uint64_t open_streams = 0;  // with an exchange
  hpack::Scratch scratch{};

 private:
  Http2Stream* free_streams_ = nullptr;
  std::size_t free_count_ = 0;
  HeaderDraft* free_draft_ = nullptr;
};

}  // namespace wirespan::connection
