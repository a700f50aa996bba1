#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/protocol/parse_status.h"

// The first record of a TLS connection (RFC 8446, 4.1.2), as far as it is plain: who is called, and
// what will be spoken.
namespace wirespan::tls {

struct ClientHello {
  std::string server_name{};  // SNI; printable, at most 255 bytes; empty if absent
  std::string alpn{};         // first protocol offered, e.g. "h2"; printable, at most 255 bytes
};

// The bytes start like a handshake record with a ClientHello (6 bytes decide).
protocol::ParseStatus LooksLikeClientHello(std::string_view input);
// The bytes start like some TLS record: a connection joined late (5 bytes decide).
protocol::ParseStatus LooksLikeTlsRecord(std::string_view input);

// kNeedMore: the record is cut; `hello` holds what was found until there. Reads at most one record
// (16 KiB).
protocol::ParseStatus ParseClientHello(std::string_view input, ClientHello& hello);

}  // namespace wirespan::tls
