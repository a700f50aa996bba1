#pragma once

#include <cstdint>

#include "agent/span/attribute_writer.h"
#include "agent/span/facts.h"

namespace wirespan::span {

// What a span says of a gRPC call in place of method, URL and bodies. `facts.rpc` is set.
void WriteRpcAttributes(const ExchangeFacts& facts, AttributeWriter& list);

// Bits of protocol::Incomplete for counts that are lower bounds.
std::uint8_t RpcIncomplete(const protocol::Rpc& rpc);

}  // namespace wirespan::span
