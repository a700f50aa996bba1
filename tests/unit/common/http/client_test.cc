#include "common/http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/http/unix_client.h"
#include "tests/unit/common/http/support.h"

namespace wirespan::http {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<Response> Fetch(Client& client, ClientRequest request) {
  std::promise<Result<Response>> promise;
  auto future = promise.get_future();
  client.Send(std::move(request),
              [&](Result<Response> result) { promise.set_value(std::move(result)); });
  return future.get();
}

std::string UrlOf(std::uint16_t port, std::string_view rest = "/",
                  std::string_view scheme = "http") {
  return std::string(scheme) + "://127.0.0.1:" + std::to_string(port) + std::string(rest);
}

std::unique_ptr<Server> StartServer(ServerOptions options, Handler handler) {
  auto server = Server::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message;
  return std::move(*server);
}

void Echo(Request request, std::unique_ptr<Responder> responder) {
  const auto type = FindHeader(request.headers, "content-type");
  responder->Send(
      {.status = 201,
       .headers = {{"X-Type", std::string(type.value_or("none"))}},
       .body = request.method + " " + request.path + "?" + request.query + " " + request.body});
}

TEST(HttpClientTest, SendsAndReuseItsConnection) {
  const auto server = StartServer({}, Echo);
  const auto client = Client::Create({});
  for (int i = 0; i < 5; ++i) {
    const auto response = Fetch(*client, {.url = UrlOf(server->port(), "/v1?x=1"),
                                          .headers = {{"Content-Type", "a/b"}},
                                          .body = "hello"});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(FindHeader(response->headers, "x-type"), "a/b");
    EXPECT_EQ(response->body, "POST /v1?x=1 hello");
  }
  EXPECT_EQ(server->stats().accepted, 1u);
  const auto head = Fetch(*client, {.method = "HEAD", .url = UrlOf(server->port())});
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->body, "");
}

TEST(HttpClientTest, HandsABodyOverInPiecesAsTheyCome) {
  std::mutex mutex;
  std::unique_ptr<BodyStream> stream;
  const auto server = StartServer({}, [&](Request request, std::unique_ptr<Responder> responder) {
    if (request.path == "/refused") return responder->Send({.status = 403, .body = "not for you"});
    if (request.path == "/whole") return responder->Send({.body = std::string(100'000, 'w')});
    const std::lock_guard lock(mutex);
    stream = responder->StartStream({.body = "first "});
  });
  const auto client = Client::Create({.max_response_bytes = 1000});
  std::string got;
  const auto pieces = [&](std::string_view piece) {
    const std::lock_guard lock(mutex);
    got += piece;
    return got.find("stop") == std::string::npos;
  };
  const auto seen = [&](std::string_view text) {
    return Eventually([&] {
      const std::lock_guard lock(mutex);
      return got == text;
    });
  };
  const auto fetch = [&](const char* path) {
    return std::async(std::launch::async, [&, path] {
      return Fetch(*client, {.method = "GET",
                             .url = UrlOf(server->port(), path),
                             .timeout = 60s,
                             .on_piece = pieces});
    });
  };
  auto ended = fetch("/");
  ASSERT_TRUE(seen("first "));
  {
    const std::lock_guard lock(mutex);
    stream->Write("second");
  }
  ASSERT_TRUE(seen("first second"));  // while the response goes on
  stream->Finish();
  const auto response = ended.get();
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "");

  // Longer than a kept body may be; the connection is used again.
  got.clear();
  ASSERT_TRUE(fetch("/whole").get().has_value());
  EXPECT_EQ(got, std::string(100'000, 'w'));
  const auto accepted = server->stats().accepted;
  ASSERT_TRUE(fetch("/whole").get().has_value());
  EXPECT_EQ(server->stats().accepted, accepted);

  // What is no success is no stream.
  got.clear();
  const auto refused = fetch("/refused").get();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->body, "not for you");
  EXPECT_EQ(got, "");

  auto stopped = fetch("/");
  ASSERT_TRUE(seen("first "));
  {
    const std::lock_guard lock(mutex);
    stream->Write("stop");
  }
  EXPECT_EQ(stopped.get().error().code, ErrorCode::kCancelled);

  got.clear();
  auto cut = fetch("/");
  ASSERT_TRUE(seen("first "));
  {
    const std::lock_guard lock(mutex);
    stream.reset();
  }
  EXPECT_EQ(cut.get().error().code, ErrorCode::kUnavailable);
}

TEST(HttpClientTest, LimitsItsConnections) {
  std::mutex mutex;
  std::vector<std::unique_ptr<Responder>> held;
  const auto server = StartServer({}, [&](Request, std::unique_ptr<Responder> responder) {
    const std::lock_guard lock(mutex);
    held.push_back(std::move(responder));
  });
  const auto client = Client::Create({.max_connections = 2, .max_waiting = 3});
  std::atomic<int> good = 0;
  std::atomic<int> full = 0;
  for (int i = 0; i < 6; ++i) {
    client->Send({.url = UrlOf(server->port()), .timeout = 60s}, [&](Result<Response> result) {
      if (result) ++good;
      if (!result && result.error().code == ErrorCode::kResourceExhausted) ++full;
    });
  }
  ASSERT_TRUE(Eventually([&] { return full == 1; }));
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return held.size() == 2;
  }));
  EXPECT_EQ(server->stats().accepted, 2u);
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    for (auto& responder : held) responder->Send({});
    held.clear();
    return good == 5;
  }));
  EXPECT_EQ(server->stats().accepted, 2u);
}

TEST(HttpClientTest, TellsFailuresApart) {
  const auto client = Client::Create({.max_response_bytes = 1000});
  std::uint16_t closed = 0;
  {
    const Listener listener;
    closed = listener.port();
  }
  const auto refused = Fetch(*client, {.url = UrlOf(closed)});
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message,
            "connect to 127.0.0.1:" + std::to_string(closed) + ": Connection refused");
  EXPECT_EQ(Fetch(*client, {.url = "nonsense"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Fetch(*client, {.url = UrlOf(1), .headers = {{"X", "a\r\nb"}}}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(Fetch(*client, {.method = "GE T", .url = UrlOf(1)}).error().code,
            ErrorCode::kInvalidArgument);

  const auto server = StartServer({}, [](Request request, std::unique_ptr<Responder> responder) {
    static std::vector<std::unique_ptr<Responder>> forever;
    if (request.path == "/big") return responder->Send({.body = std::string(2000, 'x')});
    forever.push_back(std::move(responder));
  });
  EXPECT_EQ(Fetch(*client, {.url = UrlOf(server->port(), "/big")}).error().code,
            ErrorCode::kResourceExhausted);
  const auto slow = Fetch(*client, {.url = UrlOf(server->port(), "/slow"), .timeout = 50ms});
  EXPECT_EQ(slow.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClientTest, GarbageAndHalfAnswersAreErrors) {
  const Listener listener;
  const auto client = Client::Create({});
  for (const std::string_view answer :
       {"garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Le", ""}) {
    std::jthread peer([&] {
      const UniqueFd fd = listener.Accept();
      ReadUntil(fd.get(), "\r\n\r\n");
      SendAll(fd.get(), answer);
    });
    const auto response = Fetch(*client, {.method = "GET", .url = UrlOf(listener.port())});
    ASSERT_FALSE(response.has_value()) << answer;
    EXPECT_EQ(response.error().code, ErrorCode::kUnavailable) << answer;
  }
}

TEST(HttpClientTest, SkipsInterimResponsesAndReadsToTheEnd) {
  const Listener listener;
  std::jthread peer([&] {
    const UniqueFd fd = listener.Accept();
    ReadUntil(fd.get(), "\r\n\r\n");
    SendAll(fd.get(),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
            "OK\r\n\r\nto the end");
  });
  const auto client = Client::Create({});
  const auto response = Fetch(*client, {.method = "GET", .url = UrlOf(listener.port())});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body, "to the end");
}

TEST(HttpClientTest, AKeptConnectionThatDiedIsReplacedOnce) {
  const Listener listener;
  std::jthread peer([&] {
    {
      const UniqueFd first = listener.Accept();
      ReadUntil(first.get(), "\r\n\r\n");
      SendAll(first.get(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      ReadUntil(first.get(), "\r\n\r\n");  // the second request, then nothing
    }
    const UniqueFd second = listener.Accept();
    ReadUntil(second.get(), "\r\n\r\n");
    SendAll(second.get(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ReadToEnd(second.get());
  });
  {
    const auto client = Client::Create({});
    EXPECT_TRUE(Fetch(*client, {.method = "GET", .url = UrlOf(listener.port())}).has_value());
    const auto response = Fetch(*client, {.method = "GET", .url = UrlOf(listener.port())});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->body, "ok");
  }
}

TEST(HttpClientTest, AnEarlyRefusalOfALargeBodyIsAResponse) {
  const auto server = StartServer({.max_body_bytes = 1000}, Echo);
  const auto client = Client::Create({});
  const auto response =
      Fetch(*client, {.url = UrlOf(server->port()), .body = std::string(8'000'000, 'x')});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 413);
}

TEST(HttpClientTest, DestructionCancels) {
  const Listener listener;
  std::promise<Result<Response>> promise;
  {
    const auto client = Client::Create({});
    client->Send({.url = UrlOf(listener.port()), .timeout = 1h},
                 [&](Result<Response> result) { promise.set_value(std::move(result)); });
  }
  EXPECT_EQ(promise.get_future().get().error().code, ErrorCode::kCancelled);
}

// Answers CONNECT and plain requests through itself; counts both.
TEST(HttpClientTest, GoesThroughAProxy) {
  const Listener proxy;
  std::string plain;
  std::string connect;
  std::jthread peer([&] {
    {
      const UniqueFd fd = proxy.Accept();
      plain = ReadUntil(fd.get(), "\r\n\r\n");
      SendAll(fd.get(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    const UniqueFd fd = proxy.Accept();
    connect = ReadUntil(fd.get(), "\r\n\r\n");
    SendAll(fd.get(), "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    ReadToEnd(fd.get());
  });
  const auto client =
      Client::Create({.proxy = "http://us:pa%40ss@127.0.0.1:" + std::to_string(proxy.port())});
  EXPECT_TRUE(Fetch(*client, {.method = "GET", .url = "http://backend.example/x?y"}).has_value());
  const auto tunnel = Fetch(*client, {.method = "GET", .url = "https://backend.example/x"});
  EXPECT_EQ(tunnel.error().message,
            "CONNECT backend.example:443 through the proxy: the proxy answered 407");
  peer.join();
  EXPECT_THAT(plain, StartsWith("GET http://backend.example/x?y HTTP/1.1\r\n"));
  EXPECT_THAT(plain, HasSubstr("Host: backend.example\r\n"));
  EXPECT_THAT(plain, HasSubstr("Proxy-Authorization: Basic dXM6cGFAc3M=\r\n"));
  EXPECT_THAT(connect, StartsWith("CONNECT backend.example:443 HTTP/1.1\r\n"));
  EXPECT_THAT(connect, HasSubstr("Proxy-Authorization: Basic dXM6cGFAc3M=\r\n"));
}

TEST(HttpClientTest, ChecksItsOptions) {
  EXPECT_TRUE(Client::Check({}).has_value());
  EXPECT_EQ(Client::Check({.tls = {.ca_file = "/none.pem"}}).error().message,
            "CA file /none.pem: No such file or directory");
  EXPECT_EQ(Client::Check({.proxy = "socks5://h"}).error().message,
            "proxy: URL is neither http nor https");
  EXPECT_FALSE(Client::Check({.proxy = "https://h"}).has_value());
}

class TlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    ASSERT_TRUE(MakeCertificates(*folder_));
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string File(std::string_view name) { return *folder_ / name; }
  static ServerOptions Served(std::string client_ca = "") {
    return {.tls = TlsServerOptions{.certificate_file = File("server.pem"),
                                    .key_file = File("server.key"),
                                    .client_ca_file = std::move(client_ca)}};
  }
  static TempFolder* folder_;
};
TempFolder* TlsTest::folder_ = nullptr;

TEST_F(TlsTest, VerifiesTheServer) {
  const auto server = StartServer(Served(), Echo);
  const std::string url = UrlOf(server->port(), "/", "https");
  const auto trusting = Client::Create({.tls = {.ca_file = File("ca.pem")}});
  for (int i = 0; i < 3; ++i) {
    const auto response = Fetch(*trusting, {.url = url, .body = std::string(300'000, 'x')});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->body.size(), 300'000 + 8u);
  }
  EXPECT_EQ(server->stats().accepted, 1u);

  const auto strict = Client::Create({});
  const auto unknown = Fetch(*strict, {.url = url});
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(unknown.error().message, HasSubstr("certificate verify failed"));
  EXPECT_THAT(unknown.error().message, HasSubstr("unable to get local issuer certificate"));

  const auto wrong_name =
      Client::Create({.tls = {.ca_file = File("ca.pem"), .server_name = "other.example"}});
  EXPECT_THAT(Fetch(*wrong_name, {.url = url}).error().message, HasSubstr("not for other.example"));

  const auto careless = Client::Create({.tls = {.insecure_skip_verify = true}});
  EXPECT_TRUE(Fetch(*careless, {.url = url}).has_value());
}

// Its goodbye is a TLS record, and no next request.
TEST_F(TlsTest, TheServerLearnsThatAWaitingPeerHasGone) {
  std::atomic<int> gone{0};
  std::mutex mutex;
  std::unique_ptr<Responder> kept;
  const auto server = StartServer(Served(), [&](Request, std::unique_ptr<Responder> responder) {
    responder->WhenGone([&] { ++gone; });
    const std::lock_guard lock(mutex);
    kept = std::move(responder);
  });
  // openssl says goodbye when its input ends; the head's last line is the end of it.
  const std::string command =
      "printf 'GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n' | openssl s_client -quiet "
      "-no_ign_eof -connect 127.0.0.1:" +
      std::to_string(server->port()) + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_TRUE(Eventually([&] { return gone == 1; }));
  EXPECT_EQ(server->stats().requests, 1u);
  const std::lock_guard lock(mutex);
  ASSERT_TRUE(kept);
  kept->Send({});
}

// The watch reads what comes: a request behind the one that is being answered, and its answer, stay
// whole.
TEST_F(TlsTest, RequestsBehindOneThatIsWatchedAreAnsweredInTurn) {
  std::atomic<int> gone{0};
  std::mutex mutex;
  std::vector<std::unique_ptr<Responder>> kept;
  const auto server =
      StartServer(Served(), [&](Request request, std::unique_ptr<Responder> responder) {
        responder->WhenGone([&] { ++gone; });
        if (request.path == "/now") return responder->Send({.body = "second\n"});
        const std::lock_guard lock(mutex);
        kept.push_back(std::move(responder));
      });
  std::jthread answering([&] {
    EXPECT_TRUE(Eventually([&] {
      const std::lock_guard lock(mutex);
      return !kept.empty();
    }));
    std::this_thread::sleep_for(50ms);  // the second request comes meanwhile, or not: both go
    const std::lock_guard lock(mutex);
    kept.front()->Send({.body = "first\n"});
  });
  const std::string out = folder_->path() + "/answers";
  const std::string command =
      "(printf 'GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n'; sleep 0.02; printf 'GET /now "
      "HTTP/1.1\\r\\nHost: "
      "h\\r\\nX-Long: %03000d\\r\\nConnection: close\\r\\n\\r\\n' 0) | openssl s_client -quiet "
      "-connect "
      "127.0.0.1:" +
      std::to_string(server->port()) + " 2>/dev/null >" + out;
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream file(out);
  const std::string answers{std::istreambuf_iterator<char>(file), {}};
  const auto first = answers.find("first\n");
  ASSERT_NE(first, std::string::npos) << answers;
  EXPECT_NE(answers.find("second\n", first), std::string::npos) << answers;
  EXPECT_EQ(gone, 0);
  EXPECT_EQ(server->stats().requests, 2u);
}

TEST_F(TlsTest, DemandsClientCertificates) {
  const auto server = StartServer(Served(File("ca.pem")), Echo);
  const std::string url = UrlOf(server->port(), "/", "https");
  const auto known = Client::Create({.tls = {.ca_file = File("ca.pem"),
                                             .certificate_file = File("client.pem"),
                                             .key_file = File("client.key")}});
  const auto response = Fetch(*known, {.url = url});
  EXPECT_TRUE(response.has_value()) << response.error().message;
  const auto nobody = Client::Create({.tls = {.ca_file = File("ca.pem")}});
  EXPECT_EQ(Fetch(*nobody, {.url = url}).error().code, ErrorCode::kUnavailable);
  EXPECT_GE(server->stats().failed_handshakes, 1u);
}

TEST_F(TlsTest, TunnelsThroughAProxy) {
  const auto server = StartServer(Served(), Echo);
  const Listener proxy;
  std::jthread relay([&] {
    const UniqueFd client = proxy.Accept();
    const std::string head = ReadUntil(client.get(), "\r\n\r\n");
    EXPECT_THAT(head, StartsWith("CONNECT tls.test:443 HTTP/1.1\r\n"));
    const UniqueFd origin = ConnectTo(server->port());
    SendAll(client.get(), "HTTP/1.1 200 Connection established\r\n\r\n");
    pollfd both[2] = {{client.get(), POLLIN, 0}, {origin.get(), POLLIN, 0}};
    while (::poll(both, 2, 60'000) > 0) {
      for (int i = 0; i < 2; ++i) {
        if (both[i].revents == 0) continue;
        char bytes[4096];
        const ssize_t n = ::recv(both[i].fd, bytes, sizeof(bytes), 0);
        if (n <= 0) return;
        SendAll(both[1 - i].fd, {bytes, static_cast<std::size_t>(n)});
      }
    }
  });
  {
    const auto client =
        Client::Create({.tls = {.ca_file = File("ca.pem"), .server_name = "localhost"},
                        .proxy = "http://127.0.0.1:" + std::to_string(proxy.port())});
    const auto response = Fetch(*client, {.url = "https://tls.test/", .body = "through"});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_THAT(response->body, HasSubstr("through"));
  }
}

TEST_F(TlsTest, StreamsOverTls) {
  auto options = Served();
  const auto server = StartServer(options, [](Request, std::unique_ptr<Responder> responder) {
    auto stream = responder->StartStream({});
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(stream->Write(std::string(1000, 'x')));
    stream->Finish();
  });
  const auto client = Client::Create({.tls = {.ca_file = File("ca.pem")}});
  const auto response = Fetch(*client, {.url = UrlOf(server->port(), "/", "https")});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body.size(), 100'000u);
}

TEST_F(TlsTest, PlainTextOnATlsPortIsAFailedHandshake) {
  const auto server = StartServer(Served(), Echo);
  const UniqueFd fd = ConnectTo(server->port());
  SendAll(fd.get(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ReadToEnd(fd.get());
  EXPECT_TRUE(Eventually([&] { return server->stats().failed_handshakes == 1; }));
}

TEST(UnixClientTest, StreamsLinesUntilToldToStop) {
  const TempFolder folder;
  std::mutex mutex;
  std::unique_ptr<BodyStream> stream;
  const auto server = StartServer(
      {.unix_path = folder / "s"}, [&](Request request, std::unique_ptr<Responder> responder) {
        if (request.path == "/denied")
          return responder->Send({.status = 403, .body = "not you\nmore"});
        if (request.path == "/lines") return responder->Send({.body = "a\n\nb\r\nlast"});
        const std::lock_guard lock(mutex);
        stream = responder->StartStream({.body = "one\ntw"});
        stream->Write("o\nthree\n");
      });
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 3;
  };
  EXPECT_TRUE(StreamLines(folder / "s", {.target = "/watch"}, keep).has_value());
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return stream->gone();
  }));

  lines.clear();
  const auto all = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };
  EXPECT_TRUE(StreamLines(folder / "s", {.target = "/lines"}, all).has_value());
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "", "b\r", "last"}));

  const auto denied = StreamLines(folder / "s", {.target = "/denied"}, all);
  EXPECT_EQ(denied.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(denied.error().message, (folder / "s") + ": status 403: not you");

  int stop[2];
  ASSERT_EQ(::pipe(stop), 0);
  const UniqueFd reader(stop[0]);
  UniqueFd writer(stop[1]);
  const auto stopped = StreamLines(
      folder / "s", {.target = "/watch"},
      [&](std::string_view) {
        writer.reset();
        return true;
      },
      reader.get());
  EXPECT_TRUE(stopped.has_value());
}

TEST(UnixClientTest, AsksOnceAndSaysWhatIsWrong) {
  const TempFolder folder;
  const auto nobody = Ask(folder / "s", {}, 60s);
  EXPECT_EQ(nobody.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(nobody.error().message, "connect to " + (folder / "s") + ": No such file or directory");
  std::vector<std::unique_ptr<Responder>> held;
  auto server = StartServer({.unix_path = folder / "s"},
                            [&](Request request, std::unique_ptr<Responder> responder) {
                              if (request.path == "/never")
                                return held.push_back(std::move(responder));
                              if (request.path == "/broken")
                                return static_cast<void>(responder->StartStream({.body = "part"}));
                              Echo(std::move(request), std::move(responder));
                            });
  const auto response = Ask(folder / "s", {.method = "PUT", .target = "/x?q", .body = "b"}, 60s);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "PUT /x?q b");
  EXPECT_EQ(Ask(folder / "s", {.target = "/never"}, 50ms).error().code,
            ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(Ask(folder / "s", {.target = "/broken"}, 60s).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace wirespan::http
