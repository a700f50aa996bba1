#pragma once

#include <string_view>

#include "agent/protocol/exchange.h"
#include "agent/span/facts.h"

namespace wirespan::span {

// "package.Service/Method" of a gRPC :path; empty: it is none.
std::string_view RpcMethodOf(std::string_view path);

// The gRPC part of the facts: method, status, error (docs/spans.md, "gRPC"). `facts.server` is set.
//
//   rpc.method is _OTHER where the path is not known, is no method's name, or names a method that
//   the server has not (UNIMPLEMENTED without any message): then paths are as unbounded as URLs.
//
//   error: SERVER of UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS;
//   CLIENT of all but OK; without a status as the outcome says.
void FindRpc(const protocol::Exchange& exchange, ExchangeFacts& facts);

}  // namespace wirespan::span
