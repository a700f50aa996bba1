// Processes that begin and end: no blind window, and both are told.
// In which control groups a process was: groups_test.cc.
#include <unistd.h>

#include <thread>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

class ProcessesTest : public BackendTest {
 protected:
  template <class T>
  std::vector<T> EventsOf(pid_t pid) {
    std::vector<T> found;
    for (const auto& event : capture().events()) {
      if (const auto* e = std::get_if<T>(&event);
          e != nullptr && e->pid == static_cast<std::uint32_t>(pid))
        found.push_back(*e);
    }
    return found;
  }
};

TEST_P(ProcessesTest, AProgramThatStartsLaterIsSeenFromItsFirstByte) {
  const auto listener = Listen(Kind::kInet);
  auto curl = Child::Exec({}, {"curl", "-s", "--noproxy", "*",
                               "http://127.0.0.1:" + std::to_string(listener.port) + "/first"});
  const auto pid = curl.pid();
  const auto server = listener.Accept();
  const auto name = NameOf(server.get());
  std::string request;
  while (!request.ends_with("\r\n\r\n")) request += ReceiveExactly(server.get(), 1);
  SendAll(server.get(), Response(5));
  ASSERT_EQ(curl.Wait(), 0);
  const auto at_client =
      Told({.local = name.remote, .remote = name.local}, Response(5).size(), request.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, request));
  EXPECT_TRUE(CarriesEveryByte(at_client.read, Response(5)));
  EXPECT_TRUE(request.starts_with("GET /first "));
  EXPECT_EQ(at_client.open.pid, static_cast<std::uint32_t>(pid));
  EXPECT_EQ(at_client.open.opener, connection::Opener::kLocal);
  EXPECT_FALSE(at_client.open.joined_late);
}

TEST_P(ProcessesTest, ExecAndExitAreTold) {
  auto child = Child::Exec({}, {"sleep", "0"});
  const auto pid = child.pid();
  ASSERT_EQ(child.Wait(), 0);
  ASSERT_TRUE(capture().WaitFor([&] { return !EventsOf<connection::ExitEvent>(pid).empty(); }))
      << "no exit event";
  const auto execs = EventsOf<connection::ExecEvent>(pid);
  ASSERT_EQ(execs.size(), 1u);
  EXPECT_TRUE(execs[0].filename.ends_with("/sleep")) << execs[0].filename;
  EXPECT_TRUE(
      execs[0].arguments.starts_with(std::string_view("sleep\0"
                                                      "0",
                                                      7)))
      << execs[0].arguments;
  EXPECT_EQ(execs[0].parent_pid, static_cast<std::uint32_t>(getpid()));
  const auto exits = EventsOf<connection::ExitEvent>(pid);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_GE(exits[0].ts_ns, execs[0].ts_ns);
}

TEST_P(ProcessesTest, AThreadThatEndsIsNotTheProcess) {
  Child child([] {
    for (int i = 0; i < 5; ++i) std::thread([] {}).join();
    if (const auto pid = fork(); pid == 0) _exit(0);  // not this process either
    return 0;
  });
  const auto pid = child.pid();
  ASSERT_EQ(child.Wait(), 0);
  ASSERT_TRUE(capture().WaitFor([&] { return !EventsOf<connection::ExitEvent>(pid).empty(); }));
  EXPECT_EQ(EventsOf<connection::ExitEvent>(pid).size(), 1u);
}

TEST_P(ProcessesTest, AProcessThatDiesWithItsSocketOpenEndsTheConnection) {
  auto [client, server] = TcpPair();
  const auto server_name = NameOf(server.get());
  const auto request = Request("/dies");
  Child child([&] {
    SendAll(server.get(), Response(2));
    return ReceiveExactly(server.get(), request.size()).size() == request.size() ? 0 : 1;
  });
  server.reset();
  SendAll(client.get(), request);
  ASSERT_EQ(child.Wait(), 0);
  client.reset();
  EXPECT_TRUE(capture().WaitFor([&] {
    const auto seen = capture().Find(server_name);
    return seen && seen->gone;
  }));
  EXPECT_TRUE(CarriesEveryByte(Told(server_name, request.size(), 0).read, request));
}

WIRESPAN_EACH_BACKEND(ProcessesTest);

}  // namespace
}  // namespace wirespan::kernel_test
