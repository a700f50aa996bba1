// Calls that move less than they were asked to, nothing, or the same bytes twice.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

class AwkwardCallsTest : public BackendTest {};

TEST_P(AwkwardCallsTest, AShortWriteCountsWhatTheSocketTook) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  SetNonBlocking(client.get());
  std::string body =
      "POST /short HTTP/1.1\r\nHost: test.example\r\nContent-Length: 67108864\r\n\r\n" +
      std::string(16u << 20, 'u');
  std::size_t sent = 0;
  while (true) {
    const auto n = write(client.get(), body.data() + sent, body.size() - sent);
    if (n < 0) {
      ASSERT_EQ(errno, EAGAIN);
      break;
    }
    sent += static_cast<std::size_t>(n);
    ASSERT_LT(sent, body.size()) << "the socket takes everything: no short write here";
  }
  body.resize(sent);
  client.reset();
  EXPECT_EQ(ReceiveToEnd(server.get()).size(), sent);
  server.reset();
  EXPECT_TRUE(Carries(Told(client_name, 0, sent).written, body));
  EXPECT_TRUE(Carries(Told(server_name, sent, 0).read, body));
}

TEST_P(AwkwardCallsTest, CallsThatFailMoveNothing) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  SetNonBlocking(server.get());
  std::array<char, 64> buffer{};
  ASSERT_EQ(read(server.get(), buffer.data(), buffer.size()), -1);
  ASSERT_EQ(errno, EAGAIN);
  const auto request = Request("/after-eagain");
  SendAll(client.get(), request);
  pollfd arrived{.fd = server.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&arrived, 1, 60'000), 1);  // a busy machine may deliver later
  ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
  ASSERT_EQ(recv(server.get(), buffer.data(), buffer.size(), MSG_DONTWAIT), -1);
  const void* const nowhere = reinterpret_cast<const void*>(8);
  ASSERT_EQ(syscall(SYS_write, server.get(), nowhere, 100), -1);
  ASSERT_EQ(errno, EFAULT);
  const auto response = Response(10);
  SendAll(server.get(), response);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  client.reset();
  server.reset();
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
  EXPECT_TRUE(CarriesEveryByte(Told(client_name, response.size(), request.size()).read, response));
}

TEST_P(AwkwardCallsTest, WritesToABrokenConnectionMoveNothing) {
  signal(SIGPIPE, SIG_IGN);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  const auto request = Request("/reset");
  SendAll(client.get(), request);
  // Closing with unread bytes makes the kernel send a reset.
  server.reset();
  std::array<char, 64> buffer{};
  ASSERT_EQ(read(client.get(), buffer.data(), buffer.size()), -1);
  ASSERT_EQ(errno, ECONNRESET);
  ASSERT_EQ(write(client.get(), request.data(), request.size()), -1);
  ASSERT_EQ(errno, EPIPE);
  client.reset();
  ASSERT_TRUE(capture().WaitFor([&] {
    const auto seen = capture().Find(client_name);
    return seen && seen->gone;
  }));
  const auto at_client = Told(client_name, 0, request.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, request));
  EXPECT_EQ(at_client.read.length(), 0u);
  EXPECT_TRUE(std::ranges::any_of(at_client.closes, [](const auto& close) { return close.reset; }))
      << "a reset is not an orderly end";
}

TEST_P(AwkwardCallsTest, PeekedBytesCountOnce) {
  for (const auto kind : {Kind::kInet, Kind::kUnix}) {
    SCOPED_TRACE(KindName(kind));
    auto [client, server] = Connected(kind);
    const auto server_name = NameOf(server.get());
    const auto request = Request("/peek");
    SendAll(client.get(), request);
    std::string peeked(request.size(), '?');
    ASSERT_GT(recv(server.get(), peeked.data(), 10, MSG_PEEK), 0);
    ASSERT_GT(recv(server.get(), peeked.data(), peeked.size(), MSG_PEEK), 0);
    ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
    client.reset();
    server.reset();
    EXPECT_TRUE(CarriesEveryByte(Told(server_name, request.size(), 0).read, request));
  }
}

TEST_P(AwkwardCallsTest, BytesThatAreThrownAwayAreALengthAndNotTheBuffer) {
  auto [client, server] = TcpPair();
  const auto server_name = NameOf(server.get());
  const auto first = Post("/discarded", 500), second = Request("/second");
  const auto head = first.size() - 500;
  SendAll(client.get(), first);
  ASSERT_EQ(ReceiveExactly(server.get(), head), first.substr(0, head));
  std::string buffer(500, 'Z');
  for (std::size_t left = 500; left > 0;) {
    const auto n = recv(server.get(), buffer.data(), left, MSG_TRUNC);
    ASSERT_GT(n, 0);
    left -= static_cast<std::size_t>(n);
  }
  ASSERT_EQ(buffer, std::string(500, 'Z')) << "the kernel writes nothing there";
  SendAll(client.get(), second);
  ASSERT_EQ(ReceiveExactly(server.get(), second.size()), second);
  client.reset();
  server.reset();
  const auto at_server = Told(server_name, first.size() + second.size(), 0);
  EXPECT_TRUE(Carries(at_server.read, first + second));
  EXPECT_TRUE(at_server.read.HasCaptured(first.size(), first.size() + second.size()));
  for (const auto& event : at_server.read.data()) {
    if (event.offset >= head && event.offset < first.size()) {
      EXPECT_TRUE(event.captured.empty()) << "at " << event.offset;
      EXPECT_TRUE(event.no_buffer) << "at " << event.offset;
    }
  }
}

TEST_P(AwkwardCallsTest, ZeroLengthCallsSayNothing) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/zero");
  EXPECT_EQ(send(client.get(), nullptr, 0, 0), 0);
  EXPECT_EQ(write(client.get(), "", 0), 0);
  EXPECT_EQ(read(server.get(), nullptr, 0), 0);
  SendAll(client.get(), request);
  EXPECT_EQ(recv(server.get(), nullptr, 0, 0), 0);
  ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
  EXPECT_EQ(send(server.get(), nullptr, 0, 0), 0);
  const auto response = Response(0);
  SendAll(server.get(), response);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
  EXPECT_FALSE(std::ranges::any_of(at_server.closes, [](const auto& close) {
    return close.read_ended;
  })) << "a read of no bytes into no buffer is not an end";
  EXPECT_TRUE(
      CarriesEveryByte(Told(client_name, response.size(), request.size()).written, request));
}

TEST_P(AwkwardCallsTest, VectorsWithEmptyAndManyParts) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/vectors");
  std::vector<iovec> parts;
  for (std::size_t at = 0; at < request.size(); at += 3) {
    parts.push_back({nullptr, 0});
    parts.push_back(
        {const_cast<char*>(request.data()) + at, std::min<std::size_t>(3, request.size() - at)});
  }
  ASSERT_EQ(writev(client.get(), parts.data(), static_cast<int>(parts.size())),
            static_cast<ssize_t>(request.size()));
  std::string received(request.size(), '?');
  std::vector<iovec> into(9, iovec{nullptr, 0});
  into.push_back({received.data(), 5});
  into.push_back({nullptr, 0});
  into.push_back({received.data() + 5, received.size() - 5});
  ASSERT_EQ(readv(server.get(), into.data(), static_cast<int>(into.size())),
            static_cast<ssize_t>(request.size()));
  ASSERT_EQ(received, request);
  client.reset();
  server.reset();
  // How many parts are looked at has a bound; what lies beyond it is a gap, never a wrong byte.
  const auto at_client = Told(client_name, 0, request.size());
  EXPECT_TRUE(Carries(at_client.written, request));
  EXPECT_TRUE(at_client.written.HasCaptured(0, 12));
  EXPECT_TRUE(CarriesEveryByte(Told(server_name, request.size(), 0).read, request));
}

TEST_P(AwkwardCallsTest, OneByteAtATime) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/bytes"), response = Response(5);
  for (const char c : request) SendAll(client.get(), {&c, 1});
  for (std::size_t i = 0; i < request.size(); ++i)
    ASSERT_EQ(ReceiveExactly(server.get(), 1).size(), 1u);
  for (const char c : response) SendAll(server.get(), {&c, 1});
  for (std::size_t i = 0; i < response.size(); ++i)
    ASSERT_EQ(ReceiveExactly(client.get(), 1).size(), 1u);
  client.reset();
  server.reset();
  const auto at_client = Told(client_name, response.size(), request.size());
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, request));
  EXPECT_TRUE(CarriesEveryByte(at_client.read, response));
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
}

TEST_P(AwkwardCallsTest, PipelinedRequestsInOneCallAreCapturedWhole) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  std::string up, down;
  for (int i = 0; i < 16; ++i)
    up += Request("/pipelined/" + std::to_string(i)), down += Response(30);
  SendAll(client.get(), up);
  ASSERT_EQ(ReceiveExactly(server.get(), up.size()), up);
  SendAll(server.get(), down);
  ASSERT_EQ(ReceiveExactly(client.get(), down.size()), down);
  client.reset();
  server.reset();
  const auto at_client = Told(client_name, down.size(), up.size());
  const auto at_server = Told(server_name, up.size(), down.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, up));
  EXPECT_TRUE(CarriesEveryByte(at_client.read, down));
  EXPECT_TRUE(CarriesEveryByte(at_server.read, up));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, down));
}

TEST_P(AwkwardCallsTest, HalfClosedConnectionsGoOnInTheOtherDirection) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/half"), response = Response(20);
  SendAll(client.get(), request);
  shutdown(client.get(), SHUT_WR);
  ASSERT_EQ(ReceiveToEnd(server.get()), request);
  SendAll(server.get(), response);
  server.reset();
  ASSERT_EQ(ReceiveToEnd(client.get()), response);
  client.reset();
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
  EXPECT_TRUE(CarriesEveryByte(Told(client_name, response.size(), request.size()).read, response));
  for (const auto& name : {client_name, server_name}) {
    EXPECT_TRUE(capture().WaitFor([&] { return capture().Find(name)->gone; }))
        << "the end of a socket is told";
  }
}

WIRESPAN_EACH_BACKEND(AwkwardCallsTest);

}  // namespace
}  // namespace wirespan::kernel_test
