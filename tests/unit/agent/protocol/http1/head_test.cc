#include "agent/protocol/http1/head.h"

#include <gtest/gtest.h>

namespace wirespan::http1 {
namespace {

constexpr std::string_view kGet =
    "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/8\r\ntraceparent: "
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n";
constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n";

RequestHead Request(std::string_view input) {
  RequestHead head;
  const ParseResult result = ParseRequestHead(input, head);
  EXPECT_EQ(result.status, ParseStatus::kComplete) << input;
  EXPECT_EQ(result.consumed, input.size());
  return head;
}

ResponseHead Response(std::string_view input) {
  ResponseHead head;
  const ParseResult result = ParseResponseHead(input, head);
  EXPECT_EQ(result.status, ParseStatus::kComplete) << input;
  EXPECT_EQ(result.consumed, input.size());
  return head;
}

ParseStatus RequestStatus(std::string_view input) {
  RequestHead head;
  return ParseRequestHead(input, head).status;
}

ParseStatus ResponseStatus(std::string_view input) {
  ResponseHead head;
  return ParseResponseHead(input, head).status;
}

TEST(Http1HeadTest, ReadsWhatAnExchangeNeeds) {
  const RequestHead head = Request(kGet);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.minor, 1);
  EXPECT_EQ(head.host, "example.com");
  EXPECT_EQ(head.user_agent, "curl/8");
  EXPECT_EQ(head.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(head.x_forwarded_for, "192.0.2.9");
  EXPECT_FALSE(head.framing.content_length.has_value());
  const ResponseHead response = Response(kOk);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/html");
  EXPECT_EQ(response.framing.content_length, 12u);
}

TEST(Http1HeadTest, AsksForMoreAtEveryCut) {
  for (std::size_t cut = 0; cut < kGet.size(); ++cut) {
    SCOPED_TRACE(cut);
    EXPECT_EQ(RequestStatus(kGet.substr(0, cut)), ParseStatus::kNeedMore);
  }
  for (std::size_t cut = 0; cut < kOk.size(); ++cut) {
    SCOPED_TRACE(cut);
    EXPECT_EQ(ResponseStatus(kOk.substr(0, cut)), ParseStatus::kNeedMore);
  }
}

TEST(Http1HeadTest, LeavesTheBodyAlone) {
  RequestHead head;
  const std::string input = std::string(kGet) + "GET /next HTTP/1.1\r\n";
  EXPECT_EQ(ParseRequestHead(input, head).consumed, kGet.size());
}

TEST(Http1HeadTest, TakesEveryFormOfTarget) {
  EXPECT_EQ(Request("GET http://example.com/x HTTP/1.1\r\n\r\n").target, "http://example.com/x");
  EXPECT_EQ(Request("OPTIONS * HTTP/1.1\r\n\r\n").target, "*");
  EXPECT_EQ(Request("CONNECT example.com:443 HTTP/1.1\r\n\r\n").target, "example.com:443");
  EXPECT_EQ(Request("GET /\xc3\xa9 HTTP/1.0\r\n\r\n").target, "/\xc3\xa9");
  EXPECT_EQ(Request("BREW-IT! /pot HTTP/1.1\r\n\r\n").method, "BREW-IT!");
}

TEST(Http1HeadTest, IsAsTolerantAsServers) {
  EXPECT_EQ(Request("GET / HTTP/1.1\nHost: a\n\n").host, "a");
  EXPECT_EQ(Request("\r\n\r\nGET / HTTP/1.0\r\n\r\n").minor, 0);
  EXPECT_EQ(Request("GET   /   HTTP/1.1\r\n\r\n").target, "/");
  EXPECT_EQ(Request("GET / HTTP/1.1\r\nnonsense\r\n: x\r\nHost:b\r\n\r\n").host, "b");
  EXPECT_EQ(Response("HTTP/1.1 200\r\n\r\n").status, 200);
  EXPECT_EQ(Response("HTTP/1.0 404 Not Found\nserver: x\n\n").status, 404);
}

TEST(Http1HeadTest, UnfoldsOldLines) {
  const RequestHead head =
      Request("GET / HTTP/1.1\r\nUser-Agent: a\r\n  b\r\n\tc\r\nHost: h\r\n\r\n");
  EXPECT_EQ(Unfold(head.user_agent), "a b c");
  EXPECT_EQ(head.host, "h");
}

TEST(Http1HeadTest, RefusesAtTheFirstWrongByte) {
  EXPECT_EQ(RequestStatus("\x16\x03\x01"), ParseStatus::kInvalid);
  EXPECT_EQ(RequestStatus("GET /\r\n"), ParseStatus::kInvalid);
  EXPECT_EQ(RequestStatus("GET / HTTP/2.0\r\n"), ParseStatus::kInvalid);
  EXPECT_EQ(RequestStatus("GET / HTTX"), ParseStatus::kInvalid);
  EXPECT_EQ(RequestStatus(std::string_view("G\0T / HTTP/1.1\r\n\r\n", 18)), ParseStatus::kInvalid);
  EXPECT_EQ(RequestStatus(std::string(100, 'A')), ParseStatus::kInvalid);
  EXPECT_EQ(ResponseStatus("HTTP/1.1 20"), ParseStatus::kNeedMore);
  EXPECT_EQ(ResponseStatus("HTTP/1.1 2x"), ParseStatus::kInvalid);
  EXPECT_EQ(ResponseStatus("HTTP/1.1 2000 OK\r\n"), ParseStatus::kInvalid);
  EXPECT_EQ(ResponseStatus("HTTP/1.1 099 X\r\n"), ParseStatus::kInvalid);
  EXPECT_EQ(ResponseStatus("SSH-2.0"), ParseStatus::kInvalid);
}

TEST(Http1HeadTest, ReadsFraming) {
  const auto framing = [](std::string fields) {
    return Request("POST / HTTP/1.1\r\n" + fields + "\r\n").framing;
  };
  EXPECT_EQ(framing("Content-Length: 5\r\nContent-length: 5\r\n").content_length, 5u);
  EXPECT_FALSE(framing("Content-Length: 5\r\nContent-length: 5\r\n").bad_length);
  EXPECT_FALSE(framing("Content-Length: 5, 5\r\n").bad_length);
  EXPECT_TRUE(framing("Content-Length: 5\r\nContent-Length: 6\r\n").bad_length);
  EXPECT_TRUE(framing("Content-Length: 5, 6\r\n").bad_length);
  EXPECT_TRUE(framing("Content-Length: -5\r\n").bad_length);
  EXPECT_TRUE(framing("Content-Length: \r\n").bad_length);
  EXPECT_TRUE(framing("Content-Length: 99999999999999999999\r\n").bad_length);
  EXPECT_TRUE(framing("Transfer-Encoding: gzip, Chunked\r\n").chunked);
  EXPECT_FALSE(framing("Transfer-Encoding: chunked, gzip\r\n").chunked);
  EXPECT_TRUE(framing("Transfer-Encoding: chunked, gzip\r\n").transfer_encoding);
  EXPECT_TRUE(framing("Connection: Keep-Alive, Upgrade\r\n").connection_upgrade);
  EXPECT_TRUE(framing("connection: close\r\n").connection_close);
}

TEST(Http1HeadTest, JoinsOrRefusesRepeatedTraceFields) {
  const RequestHead head = Request(
      "GET / HTTP/1.1\r\ntracestate: a=1\r\ntracestate: b=2\r\ntraceparent: x\r\ntraceparent: "
      "y\r\n\r\n");
  EXPECT_EQ(head.tracestate[0], "a=1");
  EXPECT_EQ(head.tracestate[1], "b=2");
  EXPECT_EQ(head.traceparent, "");
}

TEST(Http1HeadTest, TakesWhatAPrefixSays) {
  RequestHead head;
  EXPECT_EQ(ParseRequestHeadPrefix("GET /x HTTP/1.1\r\nHost: h\r\nCookie: aaaa", head).status,
            ParseStatus::kComplete);
  EXPECT_EQ(head.host, "h");
  EXPECT_EQ(ParseRequestHeadPrefix("GET /very/lo", head).status, ParseStatus::kComplete);
  EXPECT_EQ(head.target, "/very/lo");
  EXPECT_EQ(ParseRequestHeadPrefix("GET", head).status, ParseStatus::kInvalid);
  ResponseHead response;
  EXPECT_EQ(ParseResponseHeadPrefix("HTTP/1.1 503 Ser", response).status, ParseStatus::kComplete);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(ParseResponseHeadPrefix("HTTP/1.1 5", response).status, ParseStatus::kInvalid);
}

}  // namespace
}  // namespace wirespan::http1
