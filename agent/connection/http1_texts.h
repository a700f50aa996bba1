#pragma once

#include <string_view>

#include "agent/protocol/exchange.h"
#include "agent/protocol/http1/head.h"

namespace wirespan::connection {

// What an exchange keeps of its request's head: copies into exchange.texts.
void FillRequest(const http1::RequestHead& head, protocol::Exchange& exchange);
// A header value as one line (RFC 9112, section 5.2: folded ones are joined by a space), if it is
// not empty.
void AssignLine(protocol::Exchange& exchange, Text& out, std::string_view value);

}  // namespace wirespan::connection
