// One socket under several descriptors, in several threads and processes: what is told is of the
// socket.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

// Whether that thread of this process waits inside of a call.
bool Sleeps(int tid) {
  std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  return tid != 0 && name_end != std::string::npos && line.substr(name_end).starts_with(") S");
}

template <std::size_t N>
msghdr WithControl(iovec& part, char (&control)[N]) {
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = N;
  return message;
}

class SharingTest : public BackendTest {
 protected:
  // Reads a request, answers it: a server in two lines.
  static bool Serve(int fd, std::size_t request_bytes, const std::string& response) {
    const bool whole = ReceiveExactly(fd, request_bytes).size() == request_bytes;
    SendAll(fd, response);
    return whole;
  }
};

TEST_P(SharingTest, DuplicatedDescriptorsAreOneConnection) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  const UniqueFd second(dup(client.get())), third(fcntl(client.get(), F_DUPFD_CLOEXEC, 200));
  std::string up;
  for (const int fd : {client.get(), second.get(), third.get()}) {
    const auto request = Request("/dup/" + std::to_string(fd));
    SendAll(fd, request);
    ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
    SendAll(server.get(), Response(0));
    ASSERT_EQ(ReceiveExactly(fd, Response(0).size()), Response(0));
    up += request;
  }
  client.reset();
  server.reset();
  EXPECT_TRUE(CarriesEveryByte(Told(client_name, 3 * Response(0).size(), up.size()).written, up));
  EXPECT_EQ(capture().Connections().size(), 2u);
}

TEST_P(SharingTest, AChildInheritsTheConnectionAndIsNamedByItsOwnPid) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/inherited"), response = Response(12);
  Child child([&] { return Serve(server.get(), request.size(), response) ? 0 : 1; });
  server.reset();
  SendAll(client.get(), request);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  const auto pid = static_cast<std::uint32_t>(child.pid());
  ASSERT_EQ(child.Wait(), 0);
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request));
  for (const auto& event : at_server.read.data()) EXPECT_EQ(event.pid, pid);
  const auto at_client = Told(client_name, response.size(), request.size());
  for (const auto& event : at_client.written.data()) {
    EXPECT_EQ(event.pid, static_cast<std::uint32_t>(getpid()));
  }
}

TEST_P(SharingTest, ADescriptorPassedOverAUnixSocketKeepsItsConnection) {
  auto [client, server] = TcpPair();
  auto [here, there] = UnnamedPair();
  const auto server_name = NameOf(server.get());
  const auto first = Request("/before"), second = Request("/after"), response = Response(3);
  SendAll(client.get(), first);
  ASSERT_EQ(ReceiveExactly(server.get(), first.size()), first);
  Child child([&] {
    char letter = 0, control[CMSG_SPACE(sizeof(int))]{};
    iovec part{&letter, 1};
    auto message = WithControl(part, control);
    server.reset();
    if (recvmsg(there.get(), &message, 0) != 1) return 1;
    int passed = -1;
    std::memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return Serve(passed, second.size(), response) ? 0 : 2;
  });
  char letter = 'x', control[CMSG_SPACE(sizeof(int))]{};
  iovec part{&letter, 1};
  auto message = WithControl(part, control);
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = server.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  ASSERT_EQ(sendmsg(here.get(), &message, 0), 1);
  server.reset();
  SendAll(client.get(), second);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  ASSERT_EQ(child.Wait(), 0);
  const auto at_server = Told(server_name, first.size() + second.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_server.read, first + second));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
}

TEST_P(SharingTest, ThreadsThatShareASocketAreNamedByTheirTid) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto request = Request("/threads"), response = Response(64);
  std::atomic<std::uint32_t> writer_tid = 0;
  std::thread writer([&, fd = client.get()] {
    writer_tid = static_cast<std::uint32_t>(gettid());
    for (int i = 0; i < 20; ++i) SendAll(fd, request);
  });
  std::thread other([&, fd = server.get()] {
    for (int i = 0; i < 20; ++i) Serve(fd, request.size(), response);
  });
  std::string down;
  for (int i = 0; i < 20; ++i) down += ReceiveExactly(client.get(), response.size());
  writer.join();
  other.join();
  std::string up;
  for (int i = 0; i < 20; ++i) up += request;
  client.reset();
  server.reset();
  const auto at_client = Told(client_name, down.size(), up.size());
  EXPECT_TRUE(CarriesEveryByte(at_client.written, up));
  EXPECT_TRUE(CarriesEveryByte(at_client.read, down));
  for (const auto& event : at_client.written.data()) EXPECT_EQ(event.tid, writer_tid);
  for (const auto& event : at_client.read.data())
    EXPECT_EQ(event.tid, static_cast<std::uint32_t>(gettid()));
  EXPECT_TRUE(CarriesEveryByte(Told(server_name, up.size(), down.size()).read, up));
}

TEST_P(SharingTest, TwoThreadsWritingAtOnceLoseNoByteOfTheCount) {
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get()), server_name = NameOf(server.get());
  const auto response = Response(100);
  const auto flood = [&, fd = server.get()] {
    for (int i = 0; i < 300; ++i) SendAll(fd, response);
  };
  std::thread one(flood), two(flood);
  const auto received = ReceiveExactly(client.get(), 600 * response.size());
  one.join();
  two.join();
  client.reset();
  server.reset();
  const auto at_server = Told(server_name, 0, received.size());
  const auto at_client = Told(client_name, received.size(), 0);
  EXPECT_TRUE(Carries(at_client.read, received));
  EXPECT_TRUE(at_server.written.Agrees(received, 0))
      << "captured bytes belong to their offset, whoever wrote them";
  EXPECT_EQ(at_server.written.end(), received.size());
}

TEST_P(SharingTest, AcceptedInOneProcessServedInAnother) {
  const auto listener = Listen(Kind::kInet);
  auto client = Connect(Kind::kInet, listener);
  const auto client_name = NameOf(client.get());
  SocketName server_name{.local = client_name.remote, .remote = client_name.local};
  const auto request = Request("/worker"), response = Response(7);
  Child acceptor([&] {
    client.reset();
    const auto accepted = listener.Accept();
    const auto worker = fork();
    if (worker == 0) {
      AddOwnProcess(getpid());
      _exit(Serve(accepted.get(), request.size(), response) ? 0 : 1);
    }
    return 0;
  });
  const auto acceptor_pid = static_cast<std::uint32_t>(acceptor.pid());
  ASSERT_EQ(acceptor.Wait(), 0);
  SendAll(client.get(), request);
  ASSERT_EQ(ReceiveExactly(client.get(), response.size()), response);
  client.reset();
  EXPECT_TRUE(
      CarriesEveryByte(Told(client_name, response.size(), request.size()).written, request));
  const auto at_server = Told(server_name, request.size(), response.size());
  EXPECT_TRUE(CarriesEveryByte(at_server.read, request));
  EXPECT_TRUE(CarriesEveryByte(at_server.written, response));
  for (const auto& event : at_server.read.data()) {
    EXPECT_NE(event.pid, acceptor_pid);
    EXPECT_NE(event.pid, static_cast<std::uint32_t>(getpid()));
  }
}

TEST_P(SharingTest, AReusedDescriptorIsAnotherConnection) {
  const auto listener = Listen(Kind::kInet);
  std::vector<SocketName> names;
  std::vector<int> numbers;
  for (int i = 0; i < 2; ++i) {
    auto client = Connect(Kind::kInet, listener);
    auto server = listener.Accept();
    names.push_back(NameOf(client.get()));
    numbers.push_back(client.get());
    const auto request = Request("/reuse/" + std::to_string(i));
    SendAll(client.get(), request);
    ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
  }
  ASSERT_EQ(numbers[0], numbers[1]) << "the test wants the descriptor to be reused";
  const auto first = Told(names[0], 0, Request("/reuse/0").size());
  const auto second = Told(names[1], 0, Request("/reuse/1").size());
  EXPECT_NE(first.open.conn, second.open.conn);
  EXPECT_TRUE(CarriesEveryByte(first.written, Request("/reuse/0")));
  EXPECT_TRUE(CarriesEveryByte(second.written, Request("/reuse/1")));
}

TEST_P(SharingTest, SocketPairsAreConnectionsToo) {
  auto [one, two] = UnnamedPair();
  const auto name_one = NameOf(one.get()), name_two = NameOf(two.get());
  const auto request = Request("/pair"), response = Response(9);
  SendAll(one.get(), request);
  ASSERT_EQ(ReceiveExactly(two.get(), request.size()), request);
  SendAll(two.get(), response);
  ASSERT_EQ(ReceiveExactly(one.get(), response.size()), response);
  one.reset();
  two.reset();
  std::vector<Seen> seen;
  ASSERT_TRUE(capture().WaitFor([&] {
    seen = capture().Connections();
    return seen.size() == 2 && seen[0].gone && seen[1].gone;
  })) << seen.size()
      << " sockets were told of";
  EXPECT_NE(seen[0].open.conn, seen[1].open.conn);
  for (const auto& end : seen) {
    const bool asks = end.written.length() == request.size();
    EXPECT_TRUE(CarriesEveryByte(end.written, asks ? request : response));
    EXPECT_TRUE(CarriesEveryByte(end.read, asks ? response : request));
    if (end.open.peer_cookie != 0) {
      EXPECT_TRUE(end.open.peer_cookie == seen[0].open.conn.cookie ||
                  end.open.peer_cookie == seen[1].open.conn.cookie);
    }
  }
}

TEST_P(SharingTest, ManyThreadsThatWaitInReadsAreAllSeen) {
  constexpr std::size_t kThreads = 48;  // more than the CPUs of any machine that this runs on
  std::vector<Pair> pairs;
  std::vector<SocketName> names;
  std::vector<std::thread> readers;
  std::array<std::atomic<int>, kThreads> tids{};
  const auto request = Request("/waiting");
  for (std::size_t i = 0; i < kThreads; ++i) {
    pairs.push_back(TcpPair());
    names.push_back(NameOf(pairs.back().server.get()));
  }
  for (auto& pair : pairs) {
    readers.emplace_back([&, fd = pair.server.get(), at = readers.size()] {
      tids[at] = static_cast<int>(syscall(SYS_gettid));
      EXPECT_EQ(ReceiveExactly(fd, request.size()), request);
    });
  }
  ASSERT_TRUE(capture().WaitFor([&] {
    return std::ranges::all_of(tids, [](const auto& tid) { return Sleeps(tid.load()); });
  })) << "the threads do not wait";
  for (auto& pair : pairs) SendAll(pair.client.get(), request);
  for (auto& reader : readers) reader.join();
  for (const auto& name : names)
    EXPECT_TRUE(CarriesEveryByte(Told(name, request.size(), 0).read, request));
}

WIRESPAN_EACH_BACKEND(SharingTest);

}  // namespace
}  // namespace wirespan::kernel_test
