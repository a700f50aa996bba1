// What the kernel side keeps quiet about: TLS after its hello, protocols that are not ours, and
// what the filter excludes.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

class QuietTest : public BackendTest {
 protected:
  static void Exchange(int client, int server, const std::string& up, const std::string& down) {
    SendAll(client, up);
    ASSERT_EQ(ReceiveExactly(server, up.size()), up);
    SendAll(server, down);
    ASSERT_EQ(ReceiveExactly(client, down.size()), down);
  }
};

// With options of its own.
class QuietFromTheStartTest : public QuietTest {
 protected:
  void SetUp() override { StartLater(GetParam()); }
};

TEST_P(QuietTest, ATlsConnectionIsItsHelloAndNothingMore) {
  char folder[] = "/tmp/wirespan-tls-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string key = std::string(folder) + "/key.pem",
                    certificate = std::string(folder) + "/certificate.pem";
  ASSERT_EQ(std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                         "-days 2 -subj /CN=localhost -keyout " +
                         key + " -out " + certificate + " >/dev/null 2>&1")
                            .c_str()),
            0);
  // A port that nothing listens on a moment ago; s_server has no way to tell which one it took.
  std::uint16_t port = 0;
  {
    port = Listen(Kind::kInet).port;
  }
  auto server =
      Child::Exec({}, {"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port),
                       "-key", key, "-cert", certificate, "-www", "-quiet"});
  int code = 7;
  std::uint32_t client_pid = 0;
  for (int attempt = 0; attempt < 200 && code == 7; ++attempt) {  // 7: not listening yet
    auto curl = Child::Exec({}, {"curl", "-sk", "--noproxy", "*", "--resolve",
                                 "tls.example:" + std::to_string(port) + ":127.0.0.1",
                                 "https://tls.example:" + std::to_string(port) + "/"});
    client_pid = static_cast<std::uint32_t>(curl.pid());
    code = curl.Wait();
    if (code == 7) usleep(20'000);
  }
  ASSERT_EQ(code, 0);
  const auto server_pid = static_cast<std::uint32_t>(server.pid());
  std::vector<Seen> ends;
  EXPECT_TRUE(capture().WaitFor([&] {
    ends.clear();
    for (auto& seen : capture().Connections()) {
      const bool has_port = seen.open.local.port == port || seen.open.remote.port == port;
      if (has_port && (seen.open.pid == client_pid || seen.open.pid == server_pid))
        ends.push_back(seen);
    }
    return ends.size() == 2 && !ends[0].tls.empty() && !ends[1].tls.empty();
  })) << ends.size()
      << " ends were told of";
  std::filesystem::remove_all(folder);
  for (const auto& end : ends) {
    EXPECT_EQ(end.tls.size(), 1u);
    EXPECT_EQ(end.read.captured_bytes() + end.written.captured_bytes(), 0u)
        << "no byte of the session beside the hello";
    EXPECT_LE(end.read.events() + end.written.events(), 1u);
    if (end.tls.empty()) continue;
    const auto& hello = end.tls[0].hello;
    EXPECT_EQ(hello.substr(0, 2), std::string_view("\x16\x03", 2));
    EXPECT_NE(hello.find("tls.example"), hello.npos)
        << "the server's name lies in the captured part";
    const bool is_client = end.open.remote.port == port;
    EXPECT_EQ(end.tls[0].direction,
              is_client ? connection::Direction::kWrite : connection::Direction::kRead);
  }
}

TEST_P(QuietTest, AHelloThatIsReadRecordHeaderFirstIsToldWhole) {
  auto [client, server] = TcpPair();
  const auto server_name = NameOf(server.get()), client_name = NameOf(client.get());
  // A ClientHello record as far as anybody here looks: record header, handshake type, the rest.
  std::string hello("\x16\x03\x01\x00\xca\x01\x00\x00\xc6\x03\x03", 11);
  while (hello.size() < 207) hello += static_cast<char>('a' + hello.size() % 26);
  SendAll(client.get(), hello);
  ASSERT_EQ(ReceiveExactly(server.get(), 5), hello.substr(0, 5));
  ASSERT_EQ(ReceiveExactly(server.get(), 202), hello.substr(5));
  EXPECT_TRUE(capture().WaitFor([&] {
    const auto at_server = capture().Find(server_name), at_client = capture().Find(client_name);
    return at_server && at_client && !at_server->tls.empty() && !at_client->tls.empty();
  }));
  for (const auto& name : {server_name, client_name}) {
    const auto seen = capture().Find(name);
    ASSERT_TRUE(seen && seen->tls.size() == 1);
    EXPECT_EQ(seen->tls[0].hello, hello);
  }
}

TEST_P(QuietTest, ABinaryProtocolFallsSilent) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    std::string up(200, '\0'), down(500, '\0');
    for (auto& c : up) c = static_cast<char>(random() | 0x80);
    for (auto& c : down) c = static_cast<char>(random() | 0x80);
    Exchange(client.get(), server.get(), up, down);
  }
  client.reset();
  server.reset();
  capture().Sync();
  for (const auto& name : {client_name, server_name}) {
    const auto seen = capture().Find(name);
    if (!seen) continue;  // not even worth a word
    EXPECT_LE(seen->read.events() + seen->written.events(), 24u);
    EXPECT_LE(seen->read.captured_bytes() + seen->written.captured_bytes(), 16384u);
  }
  EXPECT_GE(capture().CountOf("not_http").events, 2u) << "both ends are decided upon";
  EXPECT_GE(capture().CountOf("opaque").events, 1000u) << "and not looked at again";
}

TEST_P(QuietFromTheStartTest, AnExcludedPortIsNotToldAndCounted) {
  const auto listener = Listen(Kind::kInet), other = Listen(Kind::kInet);
  StartOwn({.exclude_ports = {listener.port}});
  RETURN_IF_SKIPPED();
  auto client = Connect(Kind::kInet, listener), seen_client = Connect(Kind::kInet, other);
  auto server = listener.Accept(), seen_server = other.Accept();
  const auto name = NameOf(client.get()), server_name = NameOf(server.get()),
             seen_name = NameOf(seen_client.get());
  Exchange(client.get(), server.get(), Request("/excluded"), Response(3));
  Exchange(seen_client.get(), seen_server.get(), Request("/seen"), Response(3));
  EXPECT_TRUE(CarriesEveryByte(Told(seen_name, Response(3).size(), Request("/seen").size()).written,
                               Request("/seen")));
  EXPECT_FALSE(capture().Find(name));
  EXPECT_FALSE(capture().Find(server_name));
  EXPECT_GT(capture().CountOf("excluded").events, 0u);
}

TEST_P(QuietFromTheStartTest, OnlyIncludedPortsAreTold) {
  const auto listener = Listen(Kind::kInet), other = Listen(Kind::kInet);
  StartOwn({.include_ports = {listener.port}});
  RETURN_IF_SKIPPED();
  auto client = Connect(Kind::kInet, listener), other_client = Connect(Kind::kInet, other);
  auto server = listener.Accept(), other_server = other.Accept();
  const auto name = NameOf(client.get()), other_name = NameOf(other_client.get());
  Exchange(other_client.get(), other_server.get(), Request("/not-included"), Response(3));
  Exchange(client.get(), server.get(), Request("/included"), Response(3));
  EXPECT_TRUE(CarriesEveryByte(Told(name, Response(3).size(), Request("/included").size()).written,
                               Request("/included")));
  EXPECT_FALSE(capture().Find(other_name));
  // The lists can be replaced while it runs: sockets that are judged already are judged again.
  capture().SetPorts({}, {listener.port});
  auto late = Connect(Kind::kInet, other);
  auto late_server = other.Accept();
  const auto late_name = NameOf(late.get());
  Exchange(late.get(), late_server.get(), Request("/now"), Response(3));
  EXPECT_TRUE(CarriesEveryByte(Told(late_name, Response(3).size(), Request("/now").size()).written,
                               Request("/now")));
}

TEST_P(QuietFromTheStartTest, ExclusionIsStrongerThanInclusion) {
  const auto both = Listen(Kind::kInet), included = Listen(Kind::kInet);
  StartOwn({.include_ports = {both.port, included.port}, .exclude_ports = {both.port}});
  RETURN_IF_SKIPPED();
  auto client = Connect(Kind::kInet, both), wanted = Connect(Kind::kInet, included);
  auto server = both.Accept(), wanted_server = included.Accept();
  const auto name = NameOf(client.get()), wanted_name = NameOf(wanted.get());
  Exchange(client.get(), server.get(), Request("/both"), Response(3));
  Exchange(wanted.get(), wanted_server.get(), Request("/included"), Response(3));
  Told(wanted_name, Response(3).size(), Request("/included").size());
  EXPECT_FALSE(capture().Find(name)) << "a port on both lists is excluded";

  // The process is asked first: an included port does not bring it back.
  capture().SetVerdict(getpid(), kernel::Verdict::kExclude);
  Exchange(wanted.get(), wanted_server.get(), Request("/not-this"), Response(3));
  Child other([&] {
    auto late = Connect(Kind::kInet, included);
    SendAll(late.get(), Request("/other-process"));
    return 0;
  });
  const auto other_pid = static_cast<std::uint32_t>(other.pid());
  EXPECT_EQ(other.Wait(), 0);
  EXPECT_TRUE(capture().WaitFor([&] {
    return std::ranges::any_of(capture().Connections(),
                               [&](const Seen& seen) { return seen.open.pid == other_pid; });
  })) << "another process on the same port is told";
  EXPECT_EQ(capture().Find(wanted_name)->written.end(), Request("/included").size());
}

TEST_P(QuietTest, AnExcludedProcessIsNotTold) {
  int go[2], done[2];
  ASSERT_EQ(pipe(go), 0);
  ASSERT_EQ(pipe(done), 0);
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/verdict"), response = Response(3);
  Child child([&] {
    for (int i = 0; i < 3; ++i) {
      if (ReceiveExactly(go[0], 1).empty()) return 1;
      if (ReceiveExactly(server.get(), request.size()) != request) return 2;
      SendAll(server.get(), response);
      SendAll(done[1], "d");
    }
    return 0;
  });
  const auto round = [&] {
    SendAll(go[1], "g");
    SendAll(client.get(), request);
    ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
    ASSERT_EQ(ReceiveExactly(done[0], 1), "d");
  };
  round();
  EXPECT_EQ(Told(server_name, request.size(), response.size()).read.end(), request.size());
  capture().SetVerdict(child.pid(), kernel::Verdict::kExclude);
  round();
  Told(client_name, 2 * response.size(), 2 * request.size());
  EXPECT_EQ(capture().Find(server_name)->read.end(), request.size()) << "told after the verdict";
  EXPECT_GT(capture().CountOf("excluded").events, 0u);
  capture().SetVerdict(child.pid(), kernel::Verdict::kInclude);
  round();
  const auto at_server = Told(server_name, 3 * request.size(), 3 * response.size());
  EXPECT_TRUE(at_server.read.Agrees(request + request + request, 0));
  EXPECT_TRUE(at_server.read.HasCaptured(2 * request.size(), 3 * request.size()))
      << "and told again when it is included";
  EXPECT_EQ(child.Wait(), 0);
  for (const int fd : {go[0], go[1], done[0], done[1]}) close(fd);
}

TEST_P(QuietFromTheStartTest, AProcessExcludedFromTheStartIsNotTold) {
  auto [client, server] = TcpPair();
  const auto server_name = NameOf(server.get()), client_name = NameOf(client.get());
  const auto request = Request("/excluded-pid"), response = Response(3);
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  Child child([&] {
    if (ReceiveExactly(go[0], 1).empty() || ReceiveExactly(server.get(), request.size()) != request)
      return 1;
    SendAll(server.get(), response);
    return 0;
  });
  StartOwn({.exclude_pids = {static_cast<std::uint32_t>(child.pid())}});
  RETURN_IF_SKIPPED();
  SendAll(go[1], "g");
  SendAll(client.get(), request);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  EXPECT_EQ(child.Wait(), 0);
  Told(client_name, response.size(), request.size());
  const auto seen = capture().Find(server_name);
  EXPECT_TRUE(!seen || seen->read.events() + seen->written.events() == 0);
  EXPECT_GT(capture().CountOf("excluded").events, 0u);
  close(go[0]);
  close(go[1]);
}

WIRESPAN_EACH_BACKEND(QuietTest);
WIRESPAN_EACH_BACKEND(QuietFromTheStartTest);

}  // namespace
}  // namespace wirespan::kernel_test
