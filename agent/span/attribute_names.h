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
inline constexpr std::string_view kWirespanRouteSource = "wirespan.route.source";
inline constexpr std::string_view kWirespanWire = "wirespan.wire";
inline constexpr std::string_view kWirespanWireId = "wirespan.wire_id";

}  // namespace wirespan::span::names
