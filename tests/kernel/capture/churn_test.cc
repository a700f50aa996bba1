// Many short connections, many open ones, and processes that die at once: each is told, or counted
// with a reason.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

class ChurnTest : public BackendTest {
 protected:
  static bool Exchange(int client, int server, const std::string& request,
                       const std::string& response) {
    SendAll(client, request);
    if (ReceiveExactly(server, request.size()) != request) return false;
    SendAll(server, response);
    return ReceiveExactly(client, response.size()) == response;
  }
};

TEST_P(ChurnTest, EveryShortConnectionIsToldAndEnds) {
  constexpr int kConnections = 500;
  const auto listener = Listen(Kind::kInet);
  const auto request = Request("/short"), response = Response(1);
  for (int i = 0; i < kConnections; ++i) {
    const auto client = Connect(Kind::kInet, listener), server = listener.Accept();
    ASSERT_TRUE(Exchange(client.get(), server.get(), request, response));
  }
  std::vector<Seen> all;
  const auto ended = [&] {
    all = capture().Connections();
    return std::ranges::count_if(all, [](const auto& seen) { return seen.gone; });
  };
  EXPECT_TRUE(capture().WaitFor([&] { return ended() == 2 * kConnections; }))
      << ended() << " of " << all.size();
  for (const auto& seen : all) {
    const bool is_client = seen.open.opener == connection::Opener::kLocal;
    ASSERT_TRUE(CarriesEveryByte(seen.written, is_client ? request : response));
    ASSERT_TRUE(CarriesEveryByte(seen.read, is_client ? response : request));
  }
}

TEST_P(ChurnTest, ProcessesThatForkAndDieAtOnceAreSeen) {
  constexpr int kProcesses = 100;
  const auto listener = Listen(Kind::kInet);
  const auto request = Request("/forked"), response = Response(1);
  Child forker([&] {
    for (int i = 0; i < kProcesses; ++i) {
      if (fork() == 0) {
        AddOwnProcess(getpid());
        const auto client = Connect(Kind::kInet, listener);
        SendAll(client.get(), request);
        ReceiveExactly(client.get(), response.size());
        _exit(0);
      }
      wait(nullptr);
    }
    return 0;
  });
  for (int i = 0; i < kProcesses; ++i) {
    const auto server = listener.Accept();
    ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
    SendAll(server.get(), response);
  }
  ASSERT_EQ(forker.Wait(), 0);
  const auto own = static_cast<std::uint32_t>(getpid());
  std::vector<Seen> clients;
  EXPECT_TRUE(capture().WaitFor([&] {
    clients.clear();
    for (auto& seen : capture().Connections()) {
      if (seen.open.remote.port == listener.port && seen.open.pid != own) clients.push_back(seen);
    }
    return clients.size() == kProcesses &&
           std::ranges::all_of(clients, [](const auto& seen) { return seen.gone; });
  })) << clients.size();
  for (const auto& seen : clients) ASSERT_TRUE(CarriesEveryByte(seen.written, request));
}

TEST_P(ChurnTest, AFullSocketTableIsCounted) {
  // Only the backends that keep sockets in a table of their own can run out of it.
  StartOwn({.max_sockets = 64});
  RETURN_IF_SKIPPED();
  const auto listener = Listen(Kind::kInet);
  const auto request = Request("/many"), response = Response(1);
  std::vector<Pair> open;
  std::vector<SocketName> names;
  for (int i = 0; i < 300; ++i) {
    auto client = Connect(Kind::kInet, listener);
    open.push_back({.client = std::move(client), .server = listener.Accept()});
    names.push_back(NameOf(open.back().client.get()));
    ASSERT_TRUE(Exchange(open.back().client.get(), open.back().server.get(), request, response));
  }
  capture().Sync();
  std::size_t told = 0;
  for (const auto& name : names) {
    const auto seen = capture().Find(name);
    if (!seen) continue;
    ++told;
    EXPECT_TRUE(seen->written.Agrees(request, 0));
    EXPECT_TRUE(seen->read.Agrees(response, 0));
  }
  EXPECT_GT(told, 0u);
  if (told < names.size()) {
    EXPECT_GT(capture().CountOf("socket_table").events, 0u)
        << told << " of " << names.size() << " were told";
  }
  open.clear();
  // The table has room again.
  auto [client, server] = TcpPair();
  const auto name = NameOf(client.get());
  ASSERT_TRUE(Exchange(client.get(), server.get(), request, response));
  EXPECT_TRUE(CarriesEveryByte(Told(name, response.size(), request.size()).written, request));
}

WIRESPAN_EACH_BACKEND(ChurnTest);

}  // namespace
}  // namespace wirespan::kernel_test
