#include "agent/span/identity.h"

#include <gtest/gtest.h>

#include <set>

namespace wirespan::span {
namespace {

connection::ConnectionInfo Tcp(bool client) {
  connection::ConnectionInfo info;
  info.id.cookie = client ? 7 : 8;
  info.wire_known = true;
  info.local_isn = client ? 0x11223344 : 0x55667788;
  info.remote_isn = client ? 0x55667788 : 0x11223344;
  return info;
}

protocol::Exchange Exchange(bool client, std::uint64_t offset = 0x0102030405060708) {
  protocol::Exchange exchange;
  exchange.side = client ? protocol::Side::kClient : protocol::Side::kServer;
  exchange.request_offset = offset;
  exchange.wire_exact = true;
  return exchange;
}

NodeIdentity Node() {
  NodeIdentity node;
  for (std::uint8_t i = 0; i < 16; ++i) node.boot_id[i] = i;
  node.run_id = 99;
  return node;
}

// The values of docs/format/wire-id.md: they never change within a version of the layout.
TEST(IdentityTest, KeepsItsGoldenValues) {
  const WireId id = TcpWireId(0x11223344, 0x55667788, 0x0102030405060708, 9);
  EXPECT_EQ(Hex(id), "dcb4644e4f87c04c490fccd3939e80be");
  EXPECT_EQ(Hex(ClientSpanId(id)), "afc0230dfb5023d6");
  EXPECT_EQ(Hex(ServerSpanId(id)), "e1f5b55560ab496c");
  EXPECT_EQ(Hex(DerivedTraceId(id)), "5d7e3cdba7179b42e74a529e0b99255b");
  EXPECT_EQ(Hex(TcpWireId(0, 0, 0, 0)), "6e7864553efa73dda130fa1729ce14af");
}

TEST(IdentityTest, GivesBothEndsOfATcpConnectionOneId) {
  const Identity client = Identify(Tcp(true), Exchange(true), Node());
  const Identity server = Identify(Tcp(false), Exchange(false), Node());
  EXPECT_EQ(client.kind, WireKind::kTcp);
  EXPECT_EQ(client.wire_id, server.wire_id);
  EXPECT_EQ(client.wire_id, TcpWireId(0x11223344, 0x55667788, 0x0102030405060708, 0));
  EXPECT_NE(ClientSpanId(client.wire_id), ServerSpanId(client.wire_id));
}

TEST(IdentityTest, TellsOffsetsAndStreamsApart) {
  std::set<WireId> ids;
  for (std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    for (std::uint32_t stream : {0u, 1u, 3u}) ids.insert(TcpWireId(1, 2, offset, stream));
  }
  ids.insert(TcpWireId(2, 1, 0, 0));
  EXPECT_EQ(ids.size(), 10u);
}

TEST(IdentityTest, AStreamsNumberIsInItsNameWhateverElseIs) {
  connection::ConnectionInfo unix_pair;
  unix_pair.local.family = unix_pair.remote.family = connection::Family::kUnix;
  unix_pair.id.cookie = 5;
  unix_pair.peer_cookie = 6;
  connection::ConnectionInfo unknown = Tcp(true);
  unknown.wire_known = false;
  for (const auto& connection : {Tcp(true), unix_pair, unknown}) {
    auto one = Exchange(true), other = Exchange(true);
    one.stream_id = 7;
    other.stream_id = 9;
    const Identity identity = Identify(connection, one, Node());
    EXPECT_NE(identity.wire_id, Identify(connection, other, Node()).wire_id);
    if (identity.kind == WireKind::kTcp) {
      EXPECT_EQ(identity.wire_id, TcpWireId(0x11223344, 0x55667788, one.request_offset, 7));
    }
  }
}

TEST(IdentityTest, FallsBackWhereTheCountersAreNotTrusted) {
  auto exchange = Exchange(true);
  exchange.wire_exact = false;
  const Identity client = Identify(Tcp(true), exchange, Node());
  EXPECT_EQ(client.kind, WireKind::kNone);
  auto other = Exchange(false);
  other.wire_exact = false;
  const Identity server = Identify(Tcp(false), other, Node());
  EXPECT_NE(client.wire_id, server.wire_id);

  NodeIdentity next_run = Node();
  next_run.run_id = 100;  // own offsets begin at 0 again: the names must not
  EXPECT_NE(Identify(Tcp(true), exchange, next_run).wire_id, client.wire_id);
}

TEST(IdentityTest, NamesUnixExchangesByBothCookies) {
  connection::ConnectionInfo client;
  client.local.family = client.remote.family = connection::Family::kUnix;
  client.id.cookie = 5;
  client.peer_cookie = 6;
  connection::ConnectionInfo server = client;
  server.id.cookie = 6;
  server.peer_cookie = 5;
  auto request = Exchange(true, 10);
  auto served = Exchange(false, 10);
  request.wire_exact = served.wire_exact = false;
  const Identity one = Identify(client, request, Node());
  EXPECT_EQ(one.kind, WireKind::kUnix);
  EXPECT_EQ(one.wire_id, Identify(server, served, Node()).wire_id);

  client.joined_late = true;  // offsets that began somewhere: not the other end's
  EXPECT_EQ(Identify(client, request, Node()).kind, WireKind::kNone);
}

}  // namespace
}  // namespace wirespan::span
