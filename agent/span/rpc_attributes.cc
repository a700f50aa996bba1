#include "agent/span/rpc_attributes.h"

#include "agent/span/attribute_names.h"

namespace wirespan::span {

void WriteRpcAttributes(const ExchangeFacts& facts, AttributeWriter& list) {
  const protocol::Rpc& rpc = *facts.rpc;
  const auto count = [&](std::string_view key, std::uint64_t value) {
    list.Number(key, static_cast<std::int64_t>(value));
  };
  list.Known(names::kRpcSystemName, "grpc");
  list.Known(names::kRpcMethod, facts.rpc_method);
  list.Text(names::kRpcMethodOriginal, facts.rpc_method_original);
  list.Known(names::kRpcResponseStatusCode, facts.rpc_status);
  // Where it is an error's, it is the span's status message.
  if (facts.status != Status::kError) list.Text(names::kWirespanRpcStatusMessage, rpc.message);
  // Of gRPC itself it is 200; anything else came from a proxy, or from no gRPC server.
  if (facts.status_code != 0 && facts.status_code != 200) {
    list.Number(names::kHttpResponseStatusCode, facts.status_code);
  }
  count(names::kWirespanRpcRequestMessages, rpc.request_messages);
  count(names::kWirespanRpcRequestSize, rpc.request_bytes);
  count(names::kWirespanRpcResponseMessages, rpc.response_messages);
  count(names::kWirespanRpcResponseSize, rpc.response_bytes);
}

std::uint8_t RpcIncomplete(const protocol::Rpc& rpc) {
  return static_cast<std::uint8_t>((rpc.request_exact ? 0 : protocol::kIncompleteRequestBody) |
                                   (rpc.response_exact ? 0 : protocol::kIncompleteResponseBody));
}

}  // namespace wirespan::span
