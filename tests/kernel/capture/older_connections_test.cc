// Connections that were there before the source: seen from their next byte, with their role.
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

class OlderConnectionsTest : public CaptureTest, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { StartLater(GetParam()); }

  static void Exchange(const Pair& pair, const std::string& request, const std::string& response) {
    SendAll(pair.client.get(), request);
    ASSERT_EQ(ReceiveExactly(pair.server.get(), request.size()), request);
    SendAll(pair.server.get(), response);
    ASSERT_EQ(ReceiveExactly(pair.client.get(), response.size()), response);
  }
};

TEST_P(OlderConnectionsTest, AreSeenFromTheirNextByteAtTheWiresOffset) {
  for (const auto kind : {Kind::kInet, Kind::kInet6}) {
    SCOPED_TRACE(KindName(kind));
    auto pair = Connected(kind);
    const auto client_name = NameOf(pair.client.get()), server_name = NameOf(pair.server.get());
    const auto before = Request("/before-the-source"), request = Request("/after"),
               answer = Response(100), response = Response(11);
    Exchange(pair, before, answer);
    StartOwn({});
    Exchange(pair, request, response);
    pair.client.reset();
    pair.server.reset();

    const auto up = before.size(), down = answer.size();
    const auto at_client = Told(client_name, down + response.size(), up + request.size());
    const auto at_server = Told(server_name, up + request.size(), down + response.size());
    EXPECT_TRUE(CarriesEveryByte(at_client.written, request, up));
    EXPECT_TRUE(CarriesEveryByte(at_client.read, response, down));
    EXPECT_TRUE(CarriesEveryByte(at_server.read, request, up));
    EXPECT_TRUE(CarriesEveryByte(at_server.written, response, down));
    EXPECT_EQ(at_client.open.opener, connection::Opener::kLocal);
    EXPECT_EQ(at_server.open.opener, connection::Opener::kRemote);
    EXPECT_TRUE(at_client.open.joined_late);
    EXPECT_TRUE(at_server.open.joined_late);
    EXPECT_TRUE(at_client.open.wire_known);
    EXPECT_EQ(at_client.open.local_isn, at_server.open.remote_isn);
    EXPECT_EQ(at_client.open.remote_isn, at_server.open.local_isn);
  }
}

TEST_P(OlderConnectionsTest, InAnotherNetworkNamespaceAreSeenWithTheirRole) {
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  const auto before = Request("/before"), request = Request("/after"), answer = Response(40),
             response = Response(9);
  Child elsewhere([&] {
    if (unshare(CLONE_NEWNET) != 0 || std::system("ip link set lo up") != 0) {
      SendAll(ready[1], "n");
      return 0;
    }
    const auto pair = TcpPair();
    Exchange(pair, before, answer);
    SendAll(ready[1], "y");
    if (ReceiveExactly(go[0], 1).empty()) return 1;
    Exchange(pair, request, response);
    return 0;
  });
  const auto pid = static_cast<std::uint32_t>(elsewhere.pid());
  if (ReceiveExactly(ready[0], 1) == "n") GTEST_SKIP() << "no network namespaces here";
  StartOwn({});
  SendAll(go[1], "g");
  ASSERT_EQ(elsewhere.Wait(), 0);
  std::optional<Seen> client, server;
  EXPECT_TRUE(capture().WaitFor([&] {
    for (auto& seen : capture().Connections()) {
      if (seen.open.pid != pid) continue;
      (seen.open.opener == connection::Opener::kLocal ? client : server) = seen;
    }
    return client && server && client->gone && server->gone;
  }));
  ASSERT_TRUE(client && server);
  EXPECT_EQ(server->open.opener, connection::Opener::kRemote);
  EXPECT_TRUE(client->open.joined_late && server->open.joined_late);
  EXPECT_TRUE(CarriesEveryByte(client->written, request, before.size()));
  EXPECT_TRUE(CarriesEveryByte(server->read, request, before.size()));
  EXPECT_TRUE(CarriesEveryByte(server->written, response, answer.size()));
  EXPECT_TRUE(CarriesEveryByte(client->read, response, answer.size()));
  EXPECT_EQ(client->open.local_isn, server->open.remote_isn);
  EXPECT_EQ(client->open.remote_isn, server->open.local_isn);
  for (const int fd : {ready[0], ready[1], go[0], go[1]}) close(fd);
}

TEST_P(OlderConnectionsTest, ThatHaveNotSentAByteAreNotLate) {
  auto pair = TcpPair();
  const auto client_name = NameOf(pair.client.get()), server_name = NameOf(pair.server.get());
  StartOwn({});
  const auto request = Request("/idle"), response = Response(1);
  Exchange(pair, request, response);
  const auto at_client = Told(client_name, response.size(), request.size());
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, request));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
  EXPECT_FALSE(at_client.open.joined_late);
  EXPECT_FALSE(at_server.open.joined_late);
}

TEST_P(OlderConnectionsTest, OfAUnixSocketAreSeenFromTheirNextByte) {
  auto pair = Connected(Kind::kUnix);
  const auto client_name = NameOf(pair.client.get()), server_name = NameOf(pair.server.get());
  Exchange(pair, Request("/before"), Response(4));
  StartOwn({});
  const auto request = Request("/after"), response = Response(11);
  Exchange(pair, request, response);
  const auto at_client = Told(client_name, response.size(), request.size());
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, request, at_client.written.begin()));
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request, at_server.read.begin()));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response, at_server.written.begin()));
  EXPECT_TRUE(CarriesEveryByte(at_client.read, response, at_client.read.begin()));
}

TEST_P(OlderConnectionsTest, WithARequestInFlightAreReadFromTheirNextByte) {
  auto pair = TcpPair();
  const auto server_name = NameOf(pair.server.get());
  const auto request = Request("/in-flight");
  SendAll(pair.client.get(), request);
  StartOwn({});
  ASSERT_EQ(ReceiveExactly(pair.server.get(), request.size()), request);
  const auto at_server = Told(server_name, request.size(), 0);
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request))
      << "bytes that wait in the socket are read after the start";
}

WIRESPAN_EACH_BACKEND(OlderConnectionsTest);

}  // namespace
}  // namespace wirespan::kernel_test
