// Both ends of a TCP connection are told of by the same numbers: initial sequence numbers and
// offsets.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

bool Shell(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

// Three hosts: a client, a router that translates both addresses, a server. Gone with the object.
class ThreeHosts {
 public:
  ThreeHosts() : base_("ws" + std::to_string(getpid())) {}
  ~ThreeHosts() {
    for (const auto* host : {"c", "r", "s"}) Shell("ip netns del " + Name(host));
  }
  // `loss_percent` of the packets that the router forwards are dropped.
  bool Build(int loss_percent) {
    const auto c = Name("c"), r = Name("r"), s = Name("s");
    bool ok = true;
    for (const auto& host : {c, r, s})
      ok = ok && Shell("ip netns add " + host) && Shell("ip -n " + host + " link set lo up");
    ok = ok && Shell("ip -n " + r + " link add eth0 type veth peer name eth0 netns " + c);
    ok = ok && Shell("ip -n " + r + " link add eth1 type veth peer name eth0 netns " + s);
    ok = ok && Shell("ip -n " + c + " addr add 10.91.1.2/24 dev eth0") &&
         Shell("ip -n " + c + " link set eth0 up");
    ok = ok && Shell("ip -n " + s + " addr add 10.91.2.2/24 dev eth0") &&
         Shell("ip -n " + s + " link set eth0 up");
    ok = ok && Shell("ip -n " + r + " addr add 10.91.1.1/24 dev eth0") &&
         Shell("ip -n " + r + " link set eth0 up");
    ok = ok && Shell("ip -n " + r + " addr add 10.91.2.1/24 dev eth1") &&
         Shell("ip -n " + r + " link set eth1 up");
    ok = ok && Shell("ip -n " + c + " route add default via 10.91.1.1");
    ok = ok && Shell("ip netns exec " + r + " sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'");
    std::string rules =
        "table ip t {\n"
        "chain pre { type nat hook prerouting priority -100; tcp dport 80 dnat to 10.91.2.2:8080; "
        "}\n"
        "chain post { type nat hook postrouting priority 100; oifname eth1 masquerade; }\n";
    if (loss_percent > 0) {
      rules +=
          "chain losing { type filter hook forward priority 0; meta length > 60 numgen random mod "
          "100 "
          "< " +
          std::to_string(loss_percent) + " drop; }\n";
    }
    return ok && Shell("ip netns exec " + r + " nft '" + rules + "}'");
  }
  // Moves the calling thread to a host.
  void Enter(const char* host) const {
    const UniqueFd fd(open(("/run/netns/" + Name(host)).c_str(), O_RDONLY | O_CLOEXEC));
    if (setns(fd.get(), CLONE_NEWNET) != 0) throw std::runtime_error("setns");
  }

 private:
  std::string Name(const char* host) const { return base_ + host; }
  std::string base_;
};

sockaddr_in Address(const char* ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip, &address.sin_addr);
  return address;
}

class WireIdentityTest : public BackendTest {
 protected:
  static void ExpectSameWire(const Seen& client, const Seen& server) {
    EXPECT_TRUE(client.open.wire_known);
    EXPECT_TRUE(server.open.wire_known);
    EXPECT_EQ(client.open.local_isn, server.open.remote_isn);
    EXPECT_EQ(client.open.remote_isn, server.open.local_isn);
    EXPECT_NE(client.open.conn, server.open.conn);
    for (const auto* stream : {&client.written, &client.read, &server.written, &server.read}) {
      for (const auto& event : stream->data())
        EXPECT_TRUE(event.wire_exact) << "at " << event.offset;
    }
  }

  // Requests and answers from a client host to a server host through the router.
  void ExchangeThrough(const ThreeHosts& hosts, int rounds, std::size_t body) {
    const auto request = Request("/through"), response = Response(body);
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    Child server([&] {
      hosts.Enter("s");
      const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
      auto address = Address("10.91.2.2", 8080);
      if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
          listen(listener.get(), 1) != 0)
        return 1;
      SendAll(ready[1], "r");
      const UniqueFd accepted(accept(listener.get(), nullptr, nullptr));
      for (int i = 0; i < rounds; ++i) {
        if (ReceiveExactly(accepted.get(), request.size()) != request) return 2;
        SendAll(accepted.get(), response);
      }
      return ReceiveToEnd(accepted.get()).empty() ? 0 : 3;
    });
    ASSERT_EQ(ReceiveExactly(ready[0], 1), "r");
    Child client([&] {
      hosts.Enter("c");
      const UniqueFd fd(socket(AF_INET, SOCK_STREAM, 0));
      auto address = Address("10.91.1.1", 80);
      if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 1;
      for (int i = 0; i < rounds; ++i) {
        SendAll(fd.get(), request);
        if (ReceiveExactly(fd.get(), response.size()) != response) return 2;
      }
      return 0;
    });
    close(ready[0]);
    close(ready[1]);
    const auto client_pid = static_cast<std::uint32_t>(client.pid()),
               server_pid = static_cast<std::uint32_t>(server.pid());
    ASSERT_EQ(client.Wait(), 0);
    ASSERT_EQ(server.Wait(), 0);

    std::string up, down;
    for (int i = 0; i < rounds; ++i) up += request, down += response;
    std::optional<Seen> at_client, at_server;
    EXPECT_TRUE(capture().WaitFor([&] {
      for (auto& seen : capture().Connections()) {
        if (seen.open.local.family != connection::Family::kInet) continue;
        if (seen.open.pid == client_pid) at_client = seen;
        if (seen.open.pid == server_pid) at_server = seen;
      }
      return at_client && at_server && at_client->gone && at_server->gone;
    }));
    ASSERT_TRUE(at_client && at_server);
    ExpectSameWire(*at_client, *at_server);
    EXPECT_NE(at_client->open.netns, at_server->open.netns);
    EXPECT_EQ(at_client->open.remote.port, 80);
    EXPECT_EQ(at_server->open.local.port, 8080);
    EXPECT_TRUE(Carries(at_client->written, up));
    EXPECT_TRUE(Carries(at_server->read, up));
    EXPECT_TRUE(Carries(at_client->read, down));
    EXPECT_TRUE(Carries(at_server->written, down));
    for (std::size_t at = 0; at < down.size(); at += response.size()) {
      EXPECT_TRUE(at_client->read.HasCaptured(at, at + response.size() - body));
      EXPECT_TRUE(at_server->written.HasCaptured(at, at + response.size() - body));
    }
  }
};

TEST_P(WireIdentityTest, IsTheSameAtBothEndsOfALocalConnection) {
  for (const auto kind : {Kind::kInet, Kind::kInet6}) {
    SCOPED_TRACE(KindName(kind));
    auto [client, server] = Connected(kind);
    const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
    for (int i = 0; i < 5; ++i) {
      SendAll(client.get(), Request("/wire"));
      ReceiveExactly(server.get(), Request("/wire").size());
      SendAll(server.get(), Response(50));
      ReceiveExactly(client.get(), Response(50).size());
    }
    const auto up = 5 * Request("/wire").size(), down = 5 * Response(50).size();
    ExpectSameWire(Told(client_name, down, up), Told(server_name, up, down));
  }
}

TEST_P(WireIdentityTest, IsTheSameThroughAddressTranslation) {
  ThreeHosts hosts;
  if (!hosts.Build(0)) GTEST_SKIP() << "no network namespaces with nftables here";
  ExchangeThrough(hosts, 5, 300);
}

TEST_P(WireIdentityTest, IsTheSameWhenPacketsAreLost) {
  ThreeHosts hosts;
  if (!hosts.Build(10)) GTEST_SKIP() << "no network namespaces with nftables (numgen) here";
  ExchangeThrough(hosts, 20, 20'000);
}

WIRESPAN_EACH_BACKEND(WireIdentityTest);

}  // namespace
}  // namespace wirespan::kernel_test
