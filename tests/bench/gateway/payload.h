#pragma once

#include <cstdint>
#include <string>

// Requests as a fleet of HTTP servers sends them: spans of about 450 bytes with 12 attributes, in
// traces of four, one resource with eight attributes.
namespace wirespan::bench {

// The first eight bytes of every span's trace id are `number` (big-endian), the next eight its
// index in the request: so a sink can tell which spans of which request it got.
std::string TraceRequest(std::uint64_t number, std::size_t spans);

}  // namespace wirespan::bench
