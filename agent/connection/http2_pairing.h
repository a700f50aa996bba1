#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/connection/event.h"
#include "agent/connection/header_draft.h"
#include "agent/connection/http1_connection.h"
#include "agent/connection/http2_context.h"
#include "agent/connection/http2_stream.h"
#include "agent/connection/observed_exchange.h"
#include "agent/connection/unseen_streams.h"
#include "agent/protocol/http2/frame_reader.h"
#include "common/base/flat_map.h"

namespace wirespan::connection {

// A header block as far as it was read. The draft may be cut.
struct HeaderBlock {
  std::uint32_t stream = 0;
  bool end_stream = false;
  http2::Mark begin{};  // of its HEADERS frame
  std::uint64_t end_ts_ns = 0;
  const HeaderDraft* draft = nullptr;
};

// When something of a stream was seen. `at_ns` is the earliest that it can have happened: of what
// this end wrote the entry of the call, of what it read the return.
struct Moment {
  std::uint64_t ts_ns = 0;
  std::uint64_t at_ns = 0;
};

enum class Half : std::uint8_t { kRequest, kResponse };

// The streams of one HTTP/2 connection as exchanges: what a frame says of a stream in, exchanges
// out. A stream's two directions are joined by its number, in whatever order their events come; so
// a wrong pair can't happen, whatever was lost. What may be wrong after a loss is that something is
// still open: such streams are uncertain, and end when a later frame proves how, or are dropped.
//
//   http2_pairing.cc   heads and data         http2_ending.cc   ends, losses, waits
class Http2Pairing {
 public:
  struct Start {
    bool joined_late = false;
    std::string proxy_client_address{};
    std::uint16_t proxy_client_port = 0;
  };
  Http2Pairing(Http2Context& context, const std::shared_ptr<const ConnectionInfo>& info,
               Start start);
  ~Http2Pairing();  // every exchange must have ended: Finish or Drop first
  Http2Pairing(const Http2Pairing&) = delete;

  // Call before all others. The observed process is the client: what it writes are requests.
  void SetClient(bool client) { client_ = client; }
  // Whether octets of this direction are being missed, and until when they were.
  void SetLost(Half half, bool lost, std::uint64_t until_ns);
  // The request that was upgraded is stream 1.
  void Adopt(Http1Connection::Upgraded upgraded);

  void OnRequestBlock(const HeaderBlock& block);
  void OnResponseBlock(const HeaderBlock& block);
  // The header of a DATA frame; `payload` of it, 0 if that is not known because of padding.
  void OnDataFrame(Half half, std::uint32_t stream, std::uint32_t payload);
  void OnData(Half half, std::uint32_t stream, std::string_view bytes, std::uint64_t gap,
              bool exact, Moment moment);
  void OnEndStream(Half half, std::uint32_t stream, Moment moment);
  void OnReset(Half half, std::uint32_t stream, std::uint32_t code, Moment moment);
  void OnGoaway(std::uint32_t last_stream, std::uint32_t code, Moment moment);
  // A frame that only open streams get.
  void OnAlive(Half half, std::uint32_t stream);

  // Octets of this direction were missed: any frames may have been among them.
  void OnLost(Half half, std::uint64_t now_ns);

  bool waiting() const { return waiting_; }
  // ... `behind`: older events of it may come than those that were told.
  void Tick(std::uint64_t now_ns, bool requests_behind, bool responses_behind);
  // No frame of this direction will come.
  void EndHalf(Half half, std::uint64_t ts_ns);
  void Finish(std::uint64_t ts_ns);
  void Drop(ExchangeDrop reason);

  bool follows(std::uint32_t stream) const { return streams_.contains(stream); }
  std::size_t open() const { return open_; }
  std::uint64_t oldest_ns() const;

 private:
  using Streams = FlatMap<std::uint32_t, Http2Stream*>;

  Http2Stream* Find(std::uint32_t id);
  // ... or, where the event of its request may still come, one that waits for it (or null: none, or
  // no room).
  Http2Stream* FindOrExpect(Half half, std::uint32_t id, std::uint64_t ts_ns);
  Http2Half& HalfOf(Http2Stream& stream, Half half) {
    return half == Half::kRequest ? stream.request : stream.response;
  }
  Http2Stream* Add(std::uint32_t id);
  void Remove(Http2Stream& stream);

  void OpenRequest(const HeaderBlock& block, Http2Stream* stream);
  void FillRequest(const HeaderBlock& block, Http2Stream& stream);
  void NoteOverlap(Http2Stream& stream);
  void OnTrailers(Http2Stream& stream, const HeaderBlock& block);
  void OnResponseHead(Http2Stream& stream, const HeaderBlock& block, int status);
  void EndAsTunnel(Http2Stream& stream);
  void OnAnswerToNone(std::uint32_t id, int status, bool head);
  ResponseDrop WhyUnanswered(std::uint32_t id) const;
  void EndRequest(Http2Stream& stream, std::uint64_t ts_ns);
  void EndResponse(Http2Stream& stream, std::uint64_t ts_ns);

  // Ends it, if it has ended.
  void Settle(Http2Stream& stream);
  void Wait(Http2Stream& stream, std::uint64_t since_ns);
  // What waited long enough. False: the stream goes on.
  bool EndWait(Http2Stream& stream, std::uint64_t now_ns, bool requests_behind,
               bool responses_behind);
  void EndByReset(Http2Stream& stream);
  void InferGrpc(Http2Stream& stream);
  void FillRpc(Http2Stream& stream);
  void Report(Http2Stream& stream, protocol::Outcome outcome);
  void DropStream(Http2Stream& stream, ExchangeDrop reason);
  void DropHalf(Http2Stream& stream);

  Http2Context& context_;
  const std::shared_ptr<const ConnectionInfo>& info_;
  Start start_;
  bool client_ = false;
  bool waiting_ = false;
  bool request_missed_ = false;  // octets of requests since the last request
  std::array<bool, 2> lost_{};   // now
  // What was missed in this direction was there before this.
  std::array<std::uint64_t, 2> lost_until_ns_{};
  Streams streams_{};
  Http2Stream* recent_ = nullptr;
  std::size_t open_ = 0;
  std::uint32_t first_request_ = 0;  // 0: none was seen
  std::uint32_t highest_request_ = 0;
  std::uint32_t highest_dropped_ = 0;  // of the responses that waited in vain
  UnseenStreams unseen_{};
  bool goaway_ = false;
  std::uint32_t goaway_last_ = 0;
  std::uint32_t goaway_code_ = 0;
  std::uint64_t goaway_ns_ = 0;
};

}  // namespace wirespan::connection
