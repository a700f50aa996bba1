#include "agent/span/rpc_facts.h"

#include <algorithm>

#include "agent/protocol/grpc/text.h"

namespace wirespan::span {
namespace {

constexpr std::string_view kOther = "_OTHER";

bool IsServerError(int status) {
  switch (status) {
    case grpc::kUnknown:
    case grpc::kDeadlineExceeded:
    case grpc::kUnimplemented:
    case grpc::kInternal:
    case grpc::kUnavailable:
    case grpc::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string_view RpcMethodOf(std::string_view path) {
  if (path.empty() || path.front() != '/') return {};
  path.remove_prefix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size()) return {};
  const bool graphic = std::all_of(path.begin(), path.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#';
  });
  return graphic ? path : std::string_view();
}

void FindRpc(const protocol::Exchange& exchange, ExchangeFacts& facts) {
  const protocol::Rpc& rpc = *exchange.rpc;
  facts.rpc = &rpc;
  facts.rpc_method = RpcMethodOf(exchange.target);
  const bool not_there =
      facts.server && rpc.status == grpc::kUnimplemented && rpc.response_messages == 0;
  if (facts.rpc_method.empty() || not_there) {
    facts.rpc_method_original =
        facts.rpc_method.empty() ? exchange.target.view() : facts.rpc_method;
    facts.rpc_method = kOther;
  }
  if (!rpc.status) return;
  facts.rpc_status = grpc::StatusName(*rpc.status);
  const bool error = facts.server ? IsServerError(*rpc.status) : *rpc.status != grpc::kOk;
  if (error) facts.error_type = facts.rpc_status;
}

}  // namespace wirespan::span
