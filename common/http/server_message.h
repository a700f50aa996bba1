#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "common/http/server.h"

// Between Beast's messages and ours.
namespace wirespan::http::internal {

namespace beast = boost::beast;

// The time as HTTP writes it.
std::string HttpDate();

// False for headers that would break the framing or the line structure.
bool MaySend(std::string_view name, std::string_view value);

// Splits path and query; absolute-form (RFC 9112 3.2.2) loses scheme and authority.
void SetTarget(Request& request, std::string_view target);

// A line of plain text for a request that never reached the handler.
Response PlainRefusal(int status);

// Why a parsed head must not reach the handler; 0 if it may.
int RefusedStatus(const beast::http::request<beast::http::string_body>& message);

Request ToRequest(beast::http::request<beast::http::string_body>&& message,
                  const std::string& peer);

// Headers that would break the framing or the line structure are left out.
beast::http::response<beast::http::string_body> FromResponse(Response&& response, unsigned version,
                                                             bool keep_alive, bool head_only);

// The head of a streamed body: chunked for HTTP/1.1, ended by closing for HTTP/1.0.
beast::http::response<beast::http::empty_body> StreamHead(const Response& response,
                                                          unsigned version);

// The status to answer for an error of Beast's parser; 0: not the request's fault, or nobody to
// answer.
int StatusOf(const beast::error_code& error);

}  // namespace wirespan::http::internal
