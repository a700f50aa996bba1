#include "common/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "tests/unit/common/http/support.h"

namespace wirespan::http {
namespace {

using namespace testing;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Answers with what it saw.
void Echo(Request request, std::unique_ptr<Responder> responder) {
  std::string body =
      request.method + " " + request.path + " [" + request.query + "] " + request.body;
  responder->Send({.headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)});
}

std::unique_ptr<Server> StartServer(ServerOptions options, Handler handler = Echo) {
  auto server = Server::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message;
  return std::move(*server);
}

std::string Exchange(const Server& server, std::string_view request) {
  const UniqueFd fd = ConnectTo(server.port());
  SendAll(fd.get(), request);
  return ReadToEnd(fd.get());
}

TEST(HttpServerTest, AnswersAndKeepsTheConnection) {
  const auto server = StartServer({});
  const UniqueFd fd = ConnectTo(server->port());
  for (int i = 0; i < 3; ++i) {
    SendAll(fd.get(), "GET /a/b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string response = ReadUntil(fd.get(), "GET /a/b [x=1] ");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, HasSubstr("Content-Length: 15\r\n"));
    EXPECT_THAT(response, HasSubstr("Date: "));
  }
  EXPECT_EQ(server->stats().accepted, 1u);
  EXPECT_EQ(server->stats().requests, 3u);
}

TEST(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const auto server = StartServer({});
  const std::string out = Exchange(*server,
                                   "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                                   "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                                   "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto first = out.find("GET /1 [] ");
  const auto second = out.find("POST /2 [] abc");
  const auto third = out.find("GET /3 [] ");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST(HttpServerTest, TakesRequestsCutAnywhere) {
  const auto server = StartServer({});
  const UniqueFd fd = ConnectTo(server->port());
  const std::string_view request =
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
  for (const char c : request) SendAll(fd.get(), std::string_view(&c, 1));
  EXPECT_THAT(ReadToEnd(fd.get()), EndsWith("POST /x [] abcde"));
}

TEST(HttpServerTest, KnowsHeadOldVersionsAndAbsoluteTargets) {
  const auto server = StartServer({});
  const std::string head =
      Exchange(*server, "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  const std::string old = Exchange(*server, "GET /x HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old, StartsWith("HTTP/1.0 200"));
  EXPECT_THAT(old, EndsWith("GET /x [] "));
  EXPECT_THAT(
      Exchange(*server, "GET http://h:1/p?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
      EndsWith("GET /p [q] "));
  EXPECT_THAT(Exchange(*server, "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              EndsWith("OPTIONS * [] "));
}

TEST(HttpServerTest, AsksForTheBodyWhenThePeerWaits) {
  const auto server = StartServer({});
  const UniqueFd fd = ConnectTo(server->port());
  SendAll(fd.get(),
          "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(ReadUntil(fd.get(), "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  SendAll(fd.get(), "hi");
  EXPECT_THAT(ReadUntil(fd.get(), "hi"), HasSubstr("200 OK"));
}

TEST(HttpServerTest, RefusesGarbageAndWhatIsTooLarge) {
  const auto server = StartServer({.max_body_bytes = 1000, .max_header_bytes = 4096});
  struct Case {
    std::string request;
    const char* status;
  };
  const Case kCases[] = {
      {"garbage\r\n\r\n", "HTTP/1.1 400"},
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9) + "\r\n\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
           std::string(1024, 'x') + "\r\n",
       "HTTP/1.1 413"},
  };
  for (const Case& one : kCases) {
    const std::string response = Exchange(*server, one.request);
    EXPECT_THAT(response, StartsWith(one.status)) << one.request.substr(0, 80);
    EXPECT_THAT(response, HasSubstr("Connection: close"));
  }
  EXPECT_EQ(server->stats().invalid, std::size(kCases));
  EXPECT_EQ(server->stats().requests, 0u);
}

TEST(HttpServerTest, TheRefusalReachesAPeerThatStillSends) {
  const auto server = StartServer({.max_body_bytes = 1000});
  const UniqueFd fd = ConnectTo(server->port());
  SendAll(fd.get(), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n");
  SendAll(fd.get(), std::string(4'000'000, 'x'));
  EXPECT_THAT(ReadToEnd(fd.get()), StartsWith("HTTP/1.1 413"));
}

TEST(HttpServerTest, AsksForRoomForAWholeBodyBeforeItReadsIt) {
  std::mutex mutex;
  std::vector<std::size_t> asked;
  std::size_t held = 0;
  const auto server = StartServer({.admit = [&](std::size_t bytes) -> std::shared_ptr<const void> {
    const std::lock_guard lock(mutex);
    asked.push_back(bytes);
    if (bytes > 1000) return nullptr;
    ++held;
    return {&held, [&](const void*) {
              const std::lock_guard released(mutex);
              --held;
            }};
  }});
  const std::string out = Exchange(*server,
                                   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n"
                                   "Connection: close\r\n\r\n" +
                                       std::string(1000, 'x'));
  EXPECT_THAT(out, StartsWith("HTTP/1.1 200"));
  const std::string refused = Exchange(
      *server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\nonly the beginning");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  const std::lock_guard lock(mutex);
  EXPECT_THAT(asked, ::testing::ElementsAre(1000u, 500000u));
  EXPECT_EQ(held, 0u);
}

TEST(HttpServerTest, BoundsTheBodiesOfAllConnectionsTogether) {
  const auto server = StartServer({.max_receiving_bytes = 1000});
  EXPECT_THAT(Exchange(*server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n" +
                                    std::string(2000, 'x')),
              StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(
      Exchange(*server,
               "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 500\r\n\r\n" +
                   std::string(500, 'x')),
      StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerTest, ClosesSlowAndIdlePeers) {
  const auto server = StartServer({.idle_timeout = 1s});
  const UniqueFd idle = ConnectTo(server->port());
  const UniqueFd half = ConnectTo(server->port());
  SendAll(half.get(), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab");
  EXPECT_EQ(ReadToEnd(idle.get()), "");
  EXPECT_EQ(ReadToEnd(half.get()), "");
  // Counted when the session hears of it, after the socket is closed.
  EXPECT_TRUE(Eventually([&] { return server->stats().timeouts == 1u; }));
}

TEST(HttpServerTest, BoundsItsConnections) {
  const auto server = StartServer({.max_connections = 2});
  const UniqueFd a = ConnectTo(server->port());
  const UniqueFd b = ConnectTo(server->port());
  ASSERT_TRUE(Eventually([&] { return server->stats().connections == 2; }));
  const UniqueFd c = ConnectTo(server->port());
  EXPECT_THAT(ReadToEnd(c.get()), StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(server->stats().refused, 1u);
}

TEST(HttpServerTest, AResponderMayAnswerLaterFromAnotherThreadOrNotAtAll) {
  std::jthread later;
  const auto server = StartServer({}, [&](Request request, std::unique_ptr<Responder> responder) {
    if (request.path == "/drop") return;
    later = std::jthread(
        [held = std::move(responder)] { held->Send({.status = 202, .body = "later"}); });
  });
  EXPECT_THAT(Exchange(*server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              EndsWith("later"));
  EXPECT_THAT(Exchange(*server, "GET /drop HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 500"));
}

TEST(HttpServerTest, AThrowingHandlerAnswers500) {
  const auto server = StartServer(
      {}, [](Request, std::unique_ptr<Responder>) { throw std::runtime_error("oops"); });
  EXPECT_THAT(Exchange(*server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 500"));
}

TEST(HttpServerTest, HeadersCannotBreakTheMessage) {
  const auto server = StartServer({}, [](Request, std::unique_ptr<Responder> responder) {
    responder->Send({.headers = {{"X-Good", "1"},
                                 {"X-Bad", "a\r\nX-Injected: 1"},
                                 {"Bad Name", "x"},
                                 {"Content-Length", "99"},
                                 {"Set-Cookie", "a"},
                                 {"Set-Cookie", "b"}},
                     .body = "ok"});
  });
  const std::string out =
      Exchange(*server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(out, HasSubstr("X-Good: 1\r\n"));
  EXPECT_THAT(out, HasSubstr("Set-Cookie: a\r\nSet-Cookie: b\r\n"));
  EXPECT_THAT(out, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("Injected")));
  EXPECT_THAT(out, Not(HasSubstr("Bad Name")));
}

TEST(HttpServerTest, StopWaitsForRequestsInFlight) {
  std::mutex mutex;
  std::unique_ptr<Responder> held;
  const auto server = StartServer({}, [&](Request, std::unique_ptr<Responder> responder) {
    const std::lock_guard lock(mutex);
    held = std::move(responder);
  });
  const UniqueFd idle = ConnectTo(server->port());
  const UniqueFd busy = ConnectTo(server->port());
  SendAll(busy.get(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return held != nullptr;
  }));
  std::jthread stopper([&] { server->Stop(60s); });
  EXPECT_EQ(ReadToEnd(idle.get()), "");  // idle ones are closed at once
  EXPECT_FALSE(ConnectTo(server->port()).valid());
  held->Send({.body = "done"});
  const std::string out = ReadToEnd(busy.get());
  EXPECT_THAT(out, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(out, EndsWith("done"));
}

TEST(HttpServerTest, StopGivesUpAfterItsGraceAndRespondersMayOutliveTheServer) {
  std::mutex mutex;
  std::unique_ptr<Responder> held;
  std::unique_ptr<BodyStream> stream;
  auto server =
      StartServer({.threads = 2}, [&](Request request, std::unique_ptr<Responder> responder) {
        const std::lock_guard lock(mutex);
        if (request.path == "/stream") {
          stream = responder->StartStream({});
        } else {
          held = std::move(responder);
        }
      });
  const std::uint16_t port = server->port();
  const UniqueFd one = ConnectTo(port);
  const UniqueFd two = ConnectTo(port);
  SendAll(one.get(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  SendAll(two.get(), "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return held != nullptr && stream != nullptr;
  }));
  server->Stop(0ms);
  server->Stop(0ms);
  EXPECT_EQ(ReadToEnd(one.get()), "");
  EXPECT_FALSE(ConnectTo(port).valid());
  server.reset();
  held->Send({.body = "nobody"});
  EXPECT_FALSE(stream->Write("nobody"));
}

TEST(HttpServerTest, StreamsABody) {
  const auto server = StartServer({}, [](Request, std::unique_ptr<Responder> responder) {
    auto stream =
        responder->StartStream({.headers = {{"Content-Type", "text/plain"}}, .body = "first\n"});
    ASSERT_NE(stream, nullptr);
    EXPECT_TRUE(stream->Write("second\n"));
    stream->Finish();
    EXPECT_FALSE(stream->Write("too late\n"));
  });
  const std::string out = Exchange(*server, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(out, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(out, EndsWith("0\r\n\r\n"));
  EXPECT_THAT(out, HasSubstr("first\nsecond\n"));
  EXPECT_THAT(Exchange(*server, "GET / HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\nfirst\nsecond\n"));
}

TEST(HttpServerTest, AStreamToldToStopReadingIsBounded) {
  std::mutex mutex;
  std::unique_ptr<BodyStream> stream;
  const auto server = StartServer({}, [&](Request, std::unique_ptr<Responder> responder) {
    const std::lock_guard lock(mutex);
    stream = responder->StartStream({});
  });
  UniqueFd fd = ConnectTo(server->port());
  SendAll(fd.get(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return stream != nullptr;
  }));
  // Nobody reads: the kernel's buffers fill, then ours.
  const std::string piece(64 << 10, 'x');
  int refused = 0;
  ASSERT_TRUE(Eventually([&] {
    refused = stream->Write(piece) ? 0 : refused + 1;
    return refused > 20;
  }));
  EXPECT_FALSE(stream->gone());
  fd.reset();
  EXPECT_TRUE(Eventually([&] { return stream->gone(); }));
  EXPECT_FALSE(stream->Write("x"));
}

TEST(HttpServerTest, AStreamNoticesThatItsSilentPeerWent) {
  std::mutex mutex;
  std::unique_ptr<BodyStream> stream;
  const auto server = StartServer({}, [&](Request, std::unique_ptr<Responder> responder) {
    const std::lock_guard lock(mutex);
    stream = responder->StartStream({});
  });
  {
    const UniqueFd fd = ConnectTo(server->port());
    SendAll(fd.get(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(ReadUntil(fd.get(), "\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return stream->gone();
  }));
}

TEST(HttpServerTest, ADroppedStreamBreaksTheConnection) {
  const auto server = StartServer({}, [](Request, std::unique_ptr<Responder> responder) {
    responder->StartStream({.body = "part"});
  });
  EXPECT_THAT(Exchange(*server, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"), Not(HasSubstr("\r\n0\r\n")));
}

TEST(HttpServerTest, ServesAUnixSocketWithItsMode) {
  const TempFolder folder;
  const std::string path = folder / "s.sock";
  ServerOptions options{.unix_path = path, .unix_mode = 0600};
  auto server = StartServer(options);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  // A second one on the same path is refused, a dead one's file is replaced, and the file goes with
  // the server.
  EXPECT_EQ(Server::Start(options, Echo).error().message,
            "listen on unix:" + path + ": Address already in use");
  server.reset();
  EXPECT_NE(::stat(path.c_str(), &info), 0);
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  server = StartServer(options);
}

TEST(HttpServerTest, SaysWhyItCannotListen) {
  const auto server = StartServer({});
  const auto again = Server::Start({.port = server->port()}, Echo);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().message,
            "listen on 127.0.0.1:" + std::to_string(server->port()) + ": Address already in use");
  const auto file = Server::Start({.unix_path = "/etc/passwd"}, Echo);
  EXPECT_EQ(file.error().message, "listen on unix:/etc/passwd: File exists");
  const auto tls = Server::Start(
      {.tls = TlsServerOptions{.certificate_file = "/none.pem", .key_file = "/x"}}, Echo);
  EXPECT_EQ(tls.error().message, "certificate file /none.pem: No such file or directory");
}

TEST(HttpServerTest, ServesManyClientsAtOnce) {
  const auto server = StartServer({.threads = 2});
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 8; ++c) {
      clients.emplace_back([&, c] {
        const UniqueFd fd = ConnectTo(server->port());
        for (int i = 0; i < 50; ++i) {
          const std::string tag = "<" + std::to_string(c) + "-" + std::to_string(i) + ">";
          SendAll(fd.get(), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                std::to_string(tag.size()) + "\r\n\r\n" + tag);
          if (ReadUntil(fd.get(), tag).find("200 OK") != std::string::npos) ++good;
        }
      });
    }
  }
  EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace wirespan::http
