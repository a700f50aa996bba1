#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/protocol/grpc/message_counter.h"

namespace wirespan::grpc {

// What is special of a gRPC call, beside its HTTP/2 exchange.
struct Call {
  std::optional<std::chrono::nanoseconds> timeout{};  // grpc-timeout
  MessageCounter request{};
  MessageCounter response{};
  std::optional<int> status{};   // nothing: it is not known
  bool status_inferred = false;  // `wirespan.inferred=status`
  std::string message{};         // grpc-message, decoded
};

// How the stream ended.
enum class End : std::uint8_t {
  kResponse,     // END_STREAM of the response
  kClientReset,  // RST_STREAM of the client
  kServerReset,  // ... of the server
  kRefused,      // GOAWAY of the server, which did not process it
  kConnection,   // the connection ended
};

struct Ending {
  End end = End::kResponse;
  std::optional<std::uint32_t> error_code{};  // of a reset
  int http_status = 0;                        // 0: not known
  std::chrono::nanoseconds elapsed{0};        // from the request's first byte to the end
  // Trailers were read whole and without holes: that there was no grpc-status in them is a fact.
  bool trailers_known = false;
};

// Fills status and status_inferred of a call that ended without a grpc-status that was read:
//
//   end            status
//   kResponse      by http_status (200: UNKNOWN), if the trailers are known; else none
//   kClientReset   CANCEL at >= 98 % of the timeout DEADLINE_EXCEEDED, else CANCELLED; else by the
//   code kServerReset   by the code; CANCEL at >= 98 % of the timeout DEADLINE_EXCEEDED kRefused,
//   kConnection   UNAVAILABLE
void Conclude(const Ending& ending, Call& call);

}  // namespace wirespan::grpc
