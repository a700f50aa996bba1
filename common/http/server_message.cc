#include "common/http/server_message.h"

#include <fmt/format.h>

#include <boost/beast/http/error.hpp>
#include <ctime>
#include <string_view>

#include "common/base/strings.h"

namespace wirespan::http::internal {
namespace {

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

bool IsToken(std::string_view text) {
  if (text.empty() || text.size() > 256) return false;
  for (const char c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    if (!fits) return false;
  }
  return true;
}

bool IsFieldValue(std::string_view text) {
  if (text.size() > 32768) return false;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool IsFraming(std::string_view name) {
  for (const std::string_view ours :
       {"Content-Length", "Transfer-Encoding", "Connection", "Date", "Trailer"}) {
    if (EqualsIgnoreCase(name, ours)) return true;
  }
  return false;
}

template <class Message>
void SetHead(Message& message, const Response& response, unsigned version) {
  message.version(version);
  message.result(response.status >= 200 && response.status <= 999
                     ? static_cast<unsigned>(response.status)
                     : 500u);
  message.set(beast::http::field::date, HttpDate());
  for (const auto& [name, value] : response.headers) {
    if (MaySend(name, value)) message.insert(name, value);
  }
}

}  // namespace

std::string HttpDate() {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

bool MaySend(std::string_view name, std::string_view value) {
  return !IsFraming(name) && IsToken(name) && IsFieldValue(value);
}

void SetTarget(Request& request, std::string_view target) {
  if (target.front() != '/') {
    if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos) {
      const std::size_t path = target.find_first_of("/?", scheme + 3);
      target = path == std::string_view::npos ? "/" : target.substr(path);
    }
  }
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (request.path.empty()) request.path = "/";
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
}

Response PlainRefusal(int status) {
  Response response{.status = status, .headers = {{"Content-Type", "text/plain"}}};
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  response.body = status == 408   ? "the request took too long\n"
                  : status == 413 ? "request body too large\n"
                  : status == 431 ? "request head too large\n"
                  : status == 503 ? "too much is being received\n"
                  : status == 505 ? "HTTP/1.0 or HTTP/1.1, please\n"
                                  : "bad request\n";
  return response;
}

int RefusedStatus(const beast::http::request<beast::http::string_body>& message) {
  const std::size_t hosts = message.count(beast::http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) return 400;
  if (message.target().empty()) return 400;
  return 0;
}

Request ToRequest(beast::http::request<beast::http::string_body>&& message,
                  const std::string& peer) {
  Request request;
  request.method = View(message.method_string());
  SetTarget(request, View(message.target()));
  for (const auto& field : message) {
    request.headers.emplace_back(View(field.name_string()), View(field.value()));
  }
  request.body = std::move(message.body());
  request.peer = peer;
  return request;
}

beast::http::response<beast::http::string_body> FromResponse(Response&& response, unsigned version,
                                                             bool keep_alive, bool head_only) {
  beast::http::response<beast::http::string_body> message;
  SetHead(message, response, version);
  message.keep_alive(keep_alive);
  const unsigned status = message.result_int();
  if (status == 204 || status == 304) return message;
  message.content_length(response.body.size());
  if (!head_only) message.body() = std::move(response.body);
  return message;
}

beast::http::response<beast::http::empty_body> StreamHead(const Response& response,
                                                          unsigned version) {
  beast::http::response<beast::http::empty_body> message;
  SetHead(message, response, version);
  message.keep_alive(false);
  if (version >= 11) message.chunked(true);
  return message;
}

int StatusOf(const beast::error_code& error) {
  namespace http = beast::http;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::bad_version) return 505;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == http::make_error_code(http::error::bad_target).category() ? 400 : 0;
}

}  // namespace wirespan::http::internal
