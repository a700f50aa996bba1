#pragma once

#include <string_view>

// Every attribute key that a span or metric of ours can carry: OpenTelemetry semantic
// conventions 1.44.0, and our own under wirespan.*. What they mean: docs/spans.md.
namespace wirespan::span::names {

inline constexpr std::string_view kClientAddress = "client.address";
inline constexpr std::string_view kErrorType = "error.type";
inline constexpr std::string_view kHttpRequestBodySize = "http.request.body.size";
inline constexpr std::string_view kHttpRequestMethod = "http.request.method";
inline constexpr std::string_view kHttpRequestMethodOriginal = "http.request.method_original";
inline constexpr std::string_view kHttpResponseBodySize = "http.response.body.size";
inline constexpr std::string_view kHttpResponseStatusCode = "http.response.status_code";
inline constexpr std::string_view kHttpRoute = "http.route";
inline constexpr std::string_view kNetworkPeerAddress = "network.peer.address";
inline constexpr std::string_view kNetworkPeerPort = "network.peer.port";
inline constexpr std::string_view kNetworkProtocolVersion = "network.protocol.version";
inline constexpr std::string_view kNetworkTransport = "network.transport";
inline constexpr std::string_view kOtelMetricOverflow = "otel.metric.overflow";
inline constexpr std::string_view kRpcMethod = "rpc.method";
inline constexpr std::string_view kRpcMethodOriginal = "rpc.method_original";
// As released up to 1.44.0; its next name is rpc.status_code.
inline constexpr std::string_view kRpcResponseStatusCode = "rpc.response.status_code";
inline constexpr std::string_view kRpcSystemName = "rpc.system.name";
inline constexpr std::string_view kServerAddress = "server.address";
inline constexpr std::string_view kServerPort = "server.port";
inline constexpr std::string_view kUrlFull = "url.full";
inline constexpr std::string_view kUrlPath = "url.path";
inline constexpr std::string_view kUrlQuery = "url.query";
inline constexpr std::string_view kUrlScheme = "url.scheme";
inline constexpr std::string_view kUserAgentOriginal = "user_agent.original";

inline constexpr std::string_view kWirespanIncomplete = "wirespan.incomplete";
inline constexpr std::string_view kWirespanInferred = "wirespan.inferred";
inline constexpr std::string_view kWirespanParentMethod = "wirespan.parent.method";
inline constexpr std::string_view kWirespanResetBy = "wirespan.reset.by";
inline constexpr std::string_view kWirespanResetCode = "wirespan.reset.code";
inline constexpr std::string_view kWirespanRouteSource = "wirespan.route.source";
// The conventions have no counts of messages (those of 1.39 went with 1.40).
inline constexpr std::string_view kWirespanRpcRequestMessages = "wirespan.rpc.request.messages";
inline constexpr std::string_view kWirespanRpcRequestSize = "wirespan.rpc.request.size";
inline constexpr std::string_view kWirespanRpcResponseMessages = "wirespan.rpc.response.messages";
inline constexpr std::string_view kWirespanRpcResponseSize = "wirespan.rpc.response.size";
inline constexpr std::string_view kWirespanRpcStatusMessage = "wirespan.rpc.status_message";
inline constexpr std::string_view kWirespanWire = "wirespan.wire";
inline constexpr std::string_view kWirespanWireId = "wirespan.wire_id";

}  // namespace wirespan::span::names
