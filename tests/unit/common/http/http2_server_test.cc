// The server over HTTP/2: what nghttp2 as a client, and peers that mean harm, get to see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "common/http/server.h"
#include "tests/support/http2_client.h"
#include "tests/unit/common/http/support.h"

namespace wirespan::http {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Client = wirespan::testing::Http2Client;

void Echo(Request request, std::unique_ptr<Responder> responder) {
  std::string body = request.method + " " + request.path + " [" + request.query + "] " +
                     (request.http2 ? "h2 " : "h1 ") + request.body;
  responder->Send({.headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)});
}

ServerOptions WithHttp2(Http2Options http2 = {}) {
  ServerOptions options;
  options.http2 = http2;
  return options;
}

std::unique_ptr<Server> StartServer(ServerOptions options, Handler handler = Echo) {
  auto server = Server::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message;
  return std::move(*server);
}

// Keeps requests until they are let go.
class Keeper {
 public:
  Handler handler() {
    return [this](Request, std::unique_ptr<Responder> responder) {
      responder->WhenGone([this] { ++gone; });
      const std::lock_guard lock(mutex_);
      kept_.push_back(std::move(responder));
    };
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  std::unique_ptr<Responder> Take() {
    const std::lock_guard lock(mutex_);
    auto one = std::move(kept_.back());
    kept_.pop_back();
    return one;
  }
  std::atomic<int> gone{0};

 private:
  std::mutex mutex_;  // guards kept_
  std::vector<std::unique_ptr<Responder>> kept_;
};

TEST(Http2ServerTest, AnswersByPriorKnowledgeBesideHttp1) {
  const auto server = StartServer(WithHttp2());
  Client client(server->port());
  const auto answer = client.Exchange("POST", "/a/b?x=1", {{"content-type", "text/plain"}}, "abc");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "POST /a/b [x=1] h2 abc");
  EXPECT_EQ(answer.Header("content-type"), "text/plain");
  EXPECT_EQ(answer.Header("content-length"), std::to_string(answer.body.size()));
  EXPECT_FALSE(answer.Header("date").empty());
  EXPECT_EQ(answer.error, 0u);

  const UniqueFd fd = ConnectTo(server->port());
  for (const char c : std::string_view("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
                                       "Connection: close\r\n\r\n")) {
    SendAll(fd.get(), std::string_view(&c, 1));
  }
  EXPECT_THAT(ReadToEnd(fd.get()), HasSubstr("PUT /x [] h1 "));
}

TEST(Http2ServerTest, LeavesHttp2AloneUnlessAsked) {
  const auto server = StartServer({});
  Client client(server->port());
  EXPECT_EQ(client.Exchange("GET", "/", {}, "").status, 0);
}

TEST(Http2ServerTest, TakesThePrefaceCutAnywhere) {
  const auto server = StartServer(WithHttp2());
  const UniqueFd fd = ConnectTo(server->port());
  const std::string preface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  for (const char c : preface) SendAll(fd.get(), std::string_view(&c, 1));
  // The acknowledgement of the settings.
  EXPECT_THAT(ReadUntil(fd.get(), std::string_view("\0\0\0\4\1\0\0\0\0", 9)),
              HasSubstr(std::string("\0\0\0\4\1\0\0\0\0", 9)));
}

TEST(Http2ServerTest, ServesManyStreamsAtOnceAndLargeBodiesBothWays) {
  const auto server = StartServer(WithHttp2());
  Client client(server->port());
  const std::string large(3u << 20, 'x');
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(client.Begin("POST", "/" + std::to_string(i), {}, i % 10 == 0 ? large : "s"));
  }
  ASSERT_TRUE(client.RunUntil([&] {
    return std::all_of(streams.begin(), streams.end(),
                       [&](std::int32_t id) { return client.answer(id).closed; });
  }));
  for (int i = 0; i < 50; ++i) {
    const std::string want = "POST /" + std::to_string(i) + " [] h2 " + (i % 10 == 0 ? large : "s");
    EXPECT_EQ(client.answer(streams[static_cast<std::size_t>(i)]).body, want);
  }
  EXPECT_EQ(server->stats().requests, 50u);
  EXPECT_EQ(server->stats().accepted, 1u);
}

TEST(Http2ServerTest, SendsTrailersAndHeadersThatEndTheStream) {
  const auto server = StartServer(WithHttp2(), [](Request request, auto responder) {
    Response response;
    if (request.path == "/body") {
      response.body = "12345";
      response.trailers = {{"Grpc-Status", "0"}, {"Connection", "never"}};
    } else {
      response.headers = {{"grpc-status", "14"}};
    }
    responder->Send(std::move(response));
  });
  Client client(server->port());
  const auto with = client.Exchange("POST", "/body", {}, "");
  EXPECT_EQ(with.body, "12345");
  EXPECT_EQ(with.trailers, (Client::Fields{{"grpc-status", "0"}}));
  EXPECT_EQ(with.Header("content-length"), "");
  const auto without = client.Exchange("POST", "/none", {}, "");
  EXPECT_EQ(without.Header("grpc-status"), "14");
  EXPECT_TRUE(without.trailers.empty());
  EXPECT_TRUE(without.closed);
}

TEST(Http2ServerTest, RefusesBodiesAndHeadsBeyondTheirBoundAndGoesOn) {
  ServerOptions options = WithHttp2();
  options.max_body_bytes = 1000;
  options.max_header_bytes = 8000;
  options.body_limit = [](std::string_view type) { return type == "small" ? 10u : 1000u; };
  const auto server = StartServer(std::move(options));
  Client client(server->port());
  EXPECT_EQ(client.Exchange("POST", "/", {}, std::string(1001, 'x')).status, 413);
  const auto announced = client.Begin("POST", "/", {{"content-length", "2000000"}}, "x", false);
  EXPECT_TRUE(client.RunUntil([&] { return client.answer(announced).closed; }));
  EXPECT_EQ(client.answer(announced).status, 413);
  EXPECT_EQ(client.Exchange("POST", "/", {{"content-type", "small"}}, std::string(11, 'x')).status,
            413);
  EXPECT_EQ(client.Exchange("POST", "/", {{"a", std::string(9000, 'x')}}, "").status, 431);
  EXPECT_EQ(client.Exchange("POST", "/", {}, std::string(1000, 'x')).status, 200);
  EXPECT_EQ(server->stats().invalid, 4u);
  EXPECT_EQ(server->stats().requests, 1u);
}

TEST(Http2ServerTest, RefusesABodyThatNobodyHasRoomFor) {
  ServerOptions options = WithHttp2();
  std::atomic<bool> room{false};
  options.admit_body = [&]() -> std::shared_ptr<const void> {
    return room ? std::make_shared<int>(1) : nullptr;
  };
  const auto server = StartServer(std::move(options));
  Client client(server->port());
  EXPECT_EQ(client.Exchange("POST", "/", {}, "abc").status, 503);
  room = true;
  EXPECT_EQ(client.Exchange("POST", "/", {}, "abc").status, 200);
}

TEST(Http2ServerTest, TellsTheHandlerThatAPeerGaveUp) {
  Keeper keeper;
  const auto server = StartServer(WithHttp2(), keeper.handler());
  Client client(server->port());
  const auto first = client.Begin("POST", "/", {}, "abc");
  ASSERT_TRUE(client.RunUntil([&] { return keeper.size() == 1; }));
  client.Reset(first);
  EXPECT_TRUE(client.RunUntil([&] { return keeper.gone == 1; }));
  {
    Client other(server->port());
    other.Begin("POST", "/", {}, "abc");
    ASSERT_TRUE(other.RunUntil([&] { return keeper.size() == 2; }));
  }
  EXPECT_TRUE(Eventually([&] { return keeper.gone == 2; }));
  keeper.Take()->Send({});  // nobody is there: no harm
  keeper.Take()->Send({});
  EXPECT_EQ(client.Begin("GET", "/", {}, ""), 3);
  ASSERT_TRUE(client.RunUntil([&] { return keeper.size() == 1; }));
  keeper.Take()->Send({.status = 204});
  EXPECT_TRUE(client.RunUntil([&] { return client.answer(3).status == 204; }));
  EXPECT_EQ(server->stats().http2_resets, 1u);  // the other's connection is gone with its stream
}

TEST(Http2ServerTest, AnswersInTimeWhatTheHandlerDoesNot) {
  std::mutex mutex;
  std::vector<std::unique_ptr<Responder>> kept;
  std::atomic<int> gone{0};
  const auto server = StartServer(WithHttp2(), [&](Request, std::unique_ptr<Responder> responder) {
    responder->WhenGone([&] { ++gone; });
    responder->AnswerBy(std::chrono::steady_clock::now() + 50ms, {.status = 504});
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(responder));
  });
  Client client(server->port());
  EXPECT_EQ(client.Exchange("POST", "/", {}, "x").status, 504);
  EXPECT_EQ(gone, 1);
  const std::lock_guard lock(mutex);
  kept.clear();  // an answer that nobody waits for
}

TEST(Http2ServerTest, EndsRequestsThatComeTooSlowly) {
  ServerOptions options = WithHttp2();
  options.idle_timeout = 1s;
  const auto server = StartServer(std::move(options));
  Client client(server->port());
  const auto slow = client.Begin("POST", "/", {}, "part", false);
  EXPECT_TRUE(client.RunUntil([&] { return client.answer(slow).closed; }));
  EXPECT_EQ(client.answer(slow).status, 408);
  EXPECT_EQ(server->stats().timeouts, 1u);

  // A head that never ends, and half a frame: the connection goes.
  for (const std::string_view bytes :
       {std::string_view("\0\0\1\1\0\0\0\0\1\x83", 10), std::string_view("\0\0\x40", 3)}) {
    Client stuck(server->port());
    stuck.Flush();
    SendAll(stuck.fd(), bytes);
    stuck.RunUntil([&] { return stuck.ended(); });
    EXPECT_TRUE(stuck.ended());
  }
}

TEST(Http2ServerTest, EndsAnswersThatNobodyTakes) {
  ServerOptions options = WithHttp2();
  options.idle_timeout = 1s;
  const auto server = StartServer(std::move(options));
  Client client(server->port(), {.window = 0});
  const auto stuck = client.Begin("GET", "/", {}, "");
  EXPECT_TRUE(client.RunUntil([&] { return client.answer(stuck).closed; }));
  EXPECT_EQ(client.answer(stuck).error, NGHTTP2_CANCEL);
  EXPECT_EQ(server->stats().timeouts, 1u);
}

TEST(Http2ServerTest, EndsConnectionsThatFlood) {
  const auto server = StartServer(WithHttp2());
  std::string resets;   // HEADERS of GET http / and RST_STREAM, again and again
  std::string ignored;  // WINDOW_UPDATE of 1
  std::string pings;
  std::string settings;
  for (std::uint32_t i = 0; i < 30000; ++i) {
    const std::uint32_t id = 2 * i + 1;
    const char stream[4] = {static_cast<char>(id >> 24), static_cast<char>(id >> 16),
                            static_cast<char>(id >> 8), static_cast<char>(id)};
    resets.append("\0\0\3\1\5", 5).append(stream, 4).append("\x82\x86\x84");
    resets.append("\0\0\4\3\0", 5).append(stream, 4).append("\0\0\0\x8", 4);
    ignored.append("\0\0\4\x8\0\0\0\0\0\0\0\0\1", 13);
    pings.append("\0\0\x8\6\0\0\0\0\0", 9).append("12345678");
    settings.append("\0\0\0\4\0\0\0\0\0", 9);
  }
  std::string continuations("\0\0\1\1\0\0\0\0\1\x82", 10);
  for (int i = 0; i < 1000; ++i) continuations.append("\0\0\1\x9\0\0\0\0\1\x86", 10);
  std::uint64_t broken = 0;
  for (const std::string* flood : {&resets, &ignored, &pings, &settings, &continuations}) {
    Client client(server->port());
    client.Flush();
    SendAll(client.fd(), *flood);
    client.RunUntil([&] { return client.ended(); });
    EXPECT_TRUE(client.ended());
    ++broken;
    EXPECT_TRUE(Eventually([&] { return server->stats().http2_broken == broken; }))
        << server->stats().http2_broken << " of " << broken;
  }
  EXPECT_LE(server->stats().requests, 3000u);  // what a burst of resets may begin
  EXPECT_TRUE(Eventually([&] { return server->stats().connections == 0; }));
  Client client(server->port());
  EXPECT_EQ(client.Exchange("GET", "/", {}, "").status, 200);
}

TEST(Http2ServerTest, SendsNoMoreStreamsThanItAllows) {
  Keeper keeper;
  const auto server = StartServer(WithHttp2({.max_concurrent_streams = 4}), keeper.handler());
  Client client(server->port());
  // The client knows the settings once anything was answered.
  client.Begin("GET", "/", {}, "");
  ASSERT_TRUE(client.RunUntil([&] { return keeper.size() == 1; }));
  keeper.Take()->Send({});
  ASSERT_TRUE(client.RunUntil([&] { return client.answer(1).closed; }));
  for (int i = 0; i < 10; ++i) client.Begin("GET", "/", {}, "");
  ASSERT_TRUE(client.RunUntil([&] { return keeper.size() >= 4; }));
  int answered = 0;
  while (answered + static_cast<int>(keeper.size()) < 10 || keeper.size() > 0) {
    EXPECT_LE(keeper.size(), 4u);
    if (keeper.size() > 0) {
      keeper.Take()->Send({});
      ++answered;
    }
    ASSERT_TRUE(client.RunUntil([&] { return keeper.size() > 0 || answered >= 10; }));
  }
  EXPECT_EQ(answered, 10);
}

TEST(Http2ServerTest, EndsOldConnectionsGently) {
  ServerOptions options = WithHttp2();
  options.max_connection_age = 200ms;
  options.max_connection_age_grace = 30s;
  Keeper keeper;
  const auto server = StartServer(std::move(options), keeper.handler());
  Client client(server->port());
  const auto stream = client.Begin("GET", "/", {}, "");
  ASSERT_TRUE(client.RunUntil([&] { return keeper.size() == 1; }));
  EXPECT_TRUE(client.RunUntil([&] { return client.told_to_go(); }));
  EXPECT_EQ(client.goaway_error(), 0u);
  EXPECT_FALSE(client.answer(stream).closed);
  keeper.Take()->Send({.body = "after all"});
  EXPECT_TRUE(client.RunUntil([&] { return client.answer(stream).closed; }));
  EXPECT_EQ(client.answer(stream).body, "after all");
  client.RunUntil([&] { return client.ended(); });
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server->stats().aged, 1u);
}

TEST(Http2ServerTest, EndsOldConnectionsAfterTheGrace) {
  ServerOptions options = WithHttp2();
  options.max_connection_age = 100ms;
  options.max_connection_age_grace = 100ms;
  Keeper keeper;
  const auto server = StartServer(std::move(options), keeper.handler());
  Client client(server->port());
  client.Begin("GET", "/", {}, "");
  client.RunUntil([&] { return client.ended(); });
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(keeper.gone, 1);
}

TEST(Http2ServerTest, OldHttp1ConnectionsEndWithTheirNextAnswer) {
  ServerOptions options = WithHttp2();
  options.max_connection_age = 1ms;
  const auto server = StartServer(std::move(options));
  const UniqueFd fd = ConnectTo(server->port());
  SendAll(fd.get(), "G");
  std::this_thread::sleep_for(20ms);  // its age, which began when it was accepted
  SendAll(fd.get(), "ET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(ReadToEnd(fd.get()), HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(server->stats().aged, 1u);
}

TEST(Http2ServerTest, AsksSilentPeersWhetherTheyAreThere) {
  const auto server = StartServer(WithHttp2({.ping_after = 50ms, .ping_timeout = 30000ms}));
  Client client(server->port());
  EXPECT_TRUE(client.RunUntil([&] { return client.pings() >= 3; }));
  EXPECT_EQ(client.Exchange("GET", "/", {}, "").status, 200);

  const auto strict = StartServer(WithHttp2({.ping_after = 50ms, .ping_timeout = 50ms}));
  Client dead(strict->port(), {.answer_pings = false});
  dead.RunUntil([&] { return dead.ended(); });
  EXPECT_TRUE(dead.ended());
  EXPECT_EQ(strict->stats().http2_broken, 1u);
}

TEST(Http2ServerTest, TellsPeersThatPingTooOften) {
  const auto server = StartServer(WithHttp2({.min_ping_interval = std::chrono::minutes(5)}));
  Client client(server->port());
  for (int i = 0; i < 5; ++i) client.Ping();
  EXPECT_TRUE(client.RunUntil([&] { return client.told_to_go(); }));
  EXPECT_EQ(client.goaway_error(), static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_EQ(client.goaway_reason(), "too_many_pings");
}

TEST(Http2ServerTest, FinishesRequestsUnderWayWhenItStops) {
  Keeper keeper;
  const auto server = StartServer(WithHttp2(), keeper.handler());
  Client idle(server->port());
  idle.Flush();
  Client client(server->port());
  const auto stream = client.Begin("GET", "/", {}, "");
  ASSERT_TRUE(client.RunUntil([&] { return keeper.size() == 1; }));
  server->StopAccepting();
  EXPECT_TRUE(client.RunUntil([&] { return client.told_to_go(); }));
  std::jthread stopping([&] { server->Stop(30s); });
  keeper.Take()->Send({.body = "last"});
  EXPECT_TRUE(client.RunUntil([&] { return client.answer(stream).closed; }));
  EXPECT_EQ(client.answer(stream).body, "last");
  idle.RunUntil([&] { return idle.ended(); });
  EXPECT_TRUE(idle.told_to_go());
  EXPECT_EQ(idle.goaway_error(), 0u);
}

TEST(Http2ServerTest, SpeaksHttp2OverTlsWhereAlpnSaysSo) {
  const TempFolder folder;
  ASSERT_TRUE(MakeCertificates(folder));
  ServerOptions options = WithHttp2();
  options.tls = TlsServerOptions{.certificate_file = folder / "server.pem",
                                 .key_file = folder / "server.key"};
  const auto server = StartServer(std::move(options));
  const auto curl = [&](const std::string& flags) {
    const std::string command =
        "curl -s " + flags + " --cacert " + (folder / "ca.pem") +
        " -w ' %{http_version}' -d abc https://localhost:" + std::to_string(server->port()) + "/x";
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    char bytes[512];
    while (const std::size_t size = ::fread(bytes, 1, sizeof(bytes), pipe)) out.append(bytes, size);
    ::pclose(pipe);
    return out;
  };
  EXPECT_EQ(curl("--http2"), "POST /x [] h2 abc 2");
  EXPECT_EQ(curl("--http1.1"), "POST /x [] h1 abc 1.1");
}

}  // namespace
}  // namespace wirespan::http
