#pragma once

#include <cstdint>
#include <optional>

#include "common/base/text.h"

// One request and its response as they were on the wire, seen from one end. The protocols make
// them; spans and metrics are made of them. A value: its texts are in `texts`, or own their bytes.
namespace wirespan::protocol {

enum class Protocol : std::uint8_t { kUnknown, kHttp1, kHttp2, kGrpc };
enum class Side : std::uint8_t {
  kServer,
  kClient
};  // who the observed process is in this exchange

enum class Outcome : std::uint8_t {
  kComplete,         // the response ended by its own rules
  kResponseAborted,  // the connection ended inside the response
  kNoResponse,  // the connection ended after the request (or inside it) without a final response
                // head
  kUpgraded,    // 101, or 2xx to CONNECT: the exchange ends with the response head
  kLost,  // bytes went missing and its response can't be told from another's: never a span, never a
          // metric; the connection stage has counted it as dropped. Only ends what OnRequest began.
};

// What a span has to confess (`wirespan.incomplete`). Bits.
enum Incomplete : std::uint8_t {
  kIncompleteNone = 0,
  kIncompleteRequestHead = 1,  // beyond the captured bound: headers after it are unknown
  kIncompleteResponseHead = 2,
  kIncompleteRequestBody = 4,  // a gap where body framing had to be read: the size is a lower bound
  kIncompleteResponseBody = 8,
  kIncompleteHpack = 16,  // a table entry from before we looked (HTTP/2)
};

// What a gRPC call has beside its HTTP/2 exchange.
struct Rpc {
  std::optional<int> status{};                // grpc-status; nothing: not known
  bool status_inferred = false;               // not read but concluded (`wirespan.inferred=status`)
  bool protocol_inferred = false;             // that this is gRPC, too (`protocol`)
  Text message{};                             // grpc-message, decoded
  std::optional<std::uint64_t> timeout_ns{};  // grpc-timeout
  // Lower bounds where not exact.
  std::uint64_t request_messages = 0;
  std::uint64_t response_messages = 0;
  std::uint64_t request_bytes = 0;  // of the messages' contents as on the wire
  std::uint64_t response_bytes = 0;
  bool request_exact = true;
  bool response_exact = true;
};

// Who gave a stream up, by RST_STREAM (or, kGoaway: by saying that it was not processed).
enum class Reset : std::uint8_t { kNone, kClient, kServer, kGoaway };

struct Exchange {
  TextBlock texts{};  // what most texts below point to
  Protocol protocol = Protocol::kUnknown;
  Side side = Side::kServer;
  Outcome outcome = Outcome::kComplete;
  std::uint8_t incomplete = kIncompleteNone;

  // CLOCK_MONOTONIC, ns. The request starts with the entry of the call that carried its first byte
  // where known.
  std::uint64_t request_start_ns = 0;
  std::uint64_t request_end_ns = 0;
  std::uint64_t response_start_ns = 0;  // first byte of the final response; 0: none was seen
  std::uint64_t response_end_ns = 0;    // last byte of the exchange, or when it was given up

  // Who carried it. Thread ids are of the first byte of each head.
  std::uint32_t pid = 0;
  std::uint32_t request_tid = 0;
  std::uint32_t response_tid = 0;

  // Request line and the headers that attributes need. Bytes as on the wire, bounded by the
  // captured head.
  Text method{};
  Text target{};  // as sent: origin, absolute, authority or asterisk form
  Text host{};    // Host header (or :authority)
  Text user_agent{};
  Text traceparent{};
  Text tracestate{};
  Text forwarded{};  // Forwarded, first value
  Text x_forwarded_for{};
  Text x_forwarded_host{};
  Text x_forwarded_proto{};
  Text request_content_type{};
  Text upgrade{};  // Upgrade header of the request
  std::uint8_t version_major = 1;
  std::uint8_t version_minor = 1;

  int status = 0;  // final response; 0: none, or not known (`incomplete` says so)
  Text response_content_type{};
  std::optional<std::uint64_t>
      request_body_bytes{};  // payload octets, without chunk framing, before decoding
  std::optional<std::uint64_t> response_body_bytes{};

  // Names the exchange on the wire (identity is agent/span's work). Offset of the request's first
  // byte in the client's direction, and the HTTP/2 stream.
  std::uint64_t request_offset = 0;
  bool wire_exact = false;  // the request's first bytes came with trusted TCP counters
  std::uint32_t stream_id =
      0;  // HTTP/2; 0: none (also the h2c upgrade's request, sent as HTTP/1.1)

  // HTTP/2 only. kResponseAborted or kNoResponse goes with a reset, unless the response was over.
  Reset reset = Reset::kNone;
  std::uint32_t reset_code = 0;  // RFC 9113, 7
  Text scheme{};                 // :scheme
  std::optional<Rpc> rpc{};      // Protocol::kGrpc

  // More than one exchange was open on this connection when this one began (pipelining, streams).
  bool overlapped = false;
  // From a PROXY preamble: the real client.
  Text proxy_client_address{};
  std::uint16_t proxy_client_port = 0;
};

}  // namespace wirespan::protocol
