// What processes hold, as the kernel tells it in one pass, beside what /proc says of them.
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "agent/process/coverage.h"
#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

namespace fs = std::filesystem;
using process::CoverageReport;
using process::ListenAddress;
using process::ProcessSockets;

// Both reports print alike, so that a difference can be read.
std::string Text(const ProcessSockets& process) {
  std::string text = std::to_string(process.pid) + ' ' + process.comm + ' ' + process.executable +
                     " net:" + std::to_string(process.network_namespace) +
                     " tcp:" + std::to_string(process.tcp_connections) +
                     " unix:" + std::to_string(process.unix_connections) +
                     " rings:" + std::to_string(process.io_urings);
  for (const auto& [address, port] : process.listening)
    text += " [" + address + "]:" + std::to_string(port);
  if (process.thirty_two_bit) text += " 32-bit";
  if (process.descriptors_cut) text += " cut";
  return text;
}

const ProcessSockets* Of(const CoverageReport& report, pid_t pid) {
  const auto found = std::find_if(
      report.processes.begin(), report.processes.end(),
      [&](const ProcessSockets& one) { return one.pid == static_cast<std::uint32_t>(pid); });
  return found == report.processes.end() ? nullptr : &*found;
}

std::string TextOf(const CoverageReport& report, pid_t pid) {
  const auto* process = Of(report, pid);
  return process == nullptr ? "nothing" : Text(*process);
}

std::uint32_t UnixConnections(const CoverageReport& report, pid_t pid) {
  const auto* process = Of(report, pid);
  return process == nullptr ? 0 : process->unix_connections;
}

// Its first thread has ended; others may go on.
bool IsZombie(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("State:")) return line.find('Z') != std::string::npos;
  return false;
}

// A process that opens things with `open` and then stays until the test has looked.
class Holder {
 public:
  explicit Holder(const std::function<bool()>& open) {
    EXPECT_EQ(pipe(ready_), 0);
    EXPECT_EQ(pipe(go_), 0);
    child_.emplace([this, open] {
      close(go_[1]);
      SendAll(ready_[1], open() ? "y" : "n");
      Stay();
      return 0;
    });
    could_ = ReceiveExactly(ready_[0], 1) == "y";
  }
  ~Holder() {
    close(go_[1]);
    child_->Wait();
    for (const int fd : {ready_[0], ready_[1], go_[0]}) close(fd);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  // Inside of the process: until the test is done with it.
  void Stay() const { ReceiveToEnd(go_[0]); }
  bool could() const { return could_; }
  pid_t pid() const { return child_->pid(); }

 private:
  int ready_[2]{};
  int go_[2]{};
  bool could_ = false;
  std::optional<Child> child_{};
};

class CensusTest : public BackendTest {
 protected:
  // False: the kernel did not tell everything.
  bool TakeBoth() {
    bool whole = false;
    by_kernel_ = process::TakeCoverage(
        {}, {}, [&](const auto& visit) { return whole = capture().ForEachHeldFile(visit); });
    by_proc_ = process::TakeCoverage();
    return whole;
  }
  // One process's, which must be the same by both ways; until the next look. Null: it has none.
  const ProcessSockets* Same(pid_t pid) {
    EXPECT_EQ(TextOf(by_kernel_, pid), TextOf(by_proc_, pid));
    return Of(by_kernel_, pid);
  }

  CoverageReport by_kernel_{};
  CoverageReport by_proc_{};
};

TEST_P(CensusTest, TellsWhatProcTells) {
  RETURN_IF_SKIPPED();
  ASSERT_TRUE(TakeBoth());
  const auto* before = Of(by_proc_, getpid());
  const ProcessSockets had = before == nullptr ? ProcessSockets{} : *before;

  std::vector<Listener> listeners;
  std::vector<Pair> pairs;
  for (const auto kind : {Kind::kInet, Kind::kInet6, Kind::kUnix}) {
    listeners.push_back(Listen(kind));
    pairs.push_back(Connected(kind));
  }
  pairs.push_back(UnnamedPair());
  // One that is closing, and one whose peer is gone.
  auto closing = TcpPair(), left = UnnamedPair();
  shutdown(closing.client.get(), SHUT_WR);
  left.server.reset();
  // None of these is a connection, and only the first is a stream socket that /proc knows.
  const UniqueFd fresh(socket(AF_UNIX, SOCK_STREAM, 0)), unbound(socket(AF_INET, SOCK_STREAM, 0)),
      datagrams(socket(AF_INET, SOCK_DGRAM, 0)), packets(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  const UniqueFd shared(dup(pairs[0].client.get()));

  ASSERT_TRUE(TakeBoth());
  const auto* self = Same(getpid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(self->tcp_connections, had.tcp_connections + 6);
  EXPECT_EQ(self->unix_connections, had.unix_connections + 5);
  for (const auto& wanted :
       {ListenAddress{"127.0.0.1", listeners[0].port}, ListenAddress{"::1", listeners[1].port},
        ListenAddress{NameOf(listeners[2].fd.get()).local.path, 0}}) {
    EXPECT_TRUE(std::count(self->listening.begin(), self->listening.end(), wanted))
        << wanted.address;
  }

  // Who is forked holds the same.
  Holder child([] { return true; });
  ASSERT_TRUE(TakeBoth());
  const auto* forked = Same(child.pid());
  ASSERT_NE(forked, nullptr);
  self = Same(getpid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(forked->tcp_connections, self->tcp_connections);
  EXPECT_EQ(forked->unix_connections, self->unix_connections);
  EXPECT_EQ(forked->listening, self->listening);
}

TEST_P(CensusTest, TellsTheNamesOfUnixSocketsAsProcDoes) {
  RETURN_IF_SKIPPED();
  const fs::path folder = fs::temp_directory_path() / ("ws-" + std::to_string(getpid()));
  fs::create_directory(folder);
  const std::string plain = folder / "a socket";
  // The longest, without a NUL at its end; two names with NULs inside; one of no bytes but the NUL.
  const std::string longest =
      (folder / std::string(sizeof(sockaddr_un::sun_path), 'l')).string().substr(0, 108);
  const std::string inner("\0wirespan\0test\0", 15), tail("\0\0\0", 3), nothing("\0", 1);
  std::vector<UniqueFd> listening;
  for (const auto& name : {plain, longest, inner, tail, nothing}) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::memcpy(address.sun_path, name.data(), name.size());
    listening.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(listening.back().get(), reinterpret_cast<sockaddr*>(&address), size), 0) << name;
    ASSERT_EQ(listen(listening.back().get(), 1), 0);
  }
  ASSERT_TRUE(TakeBoth());
  const auto* self = Same(getpid());
  ASSERT_NE(self, nullptr);
  for (const std::string& wanted :
       {plain, longest, std::string("@wirespan@test@"), std::string("@@@"), std::string("@")}) {
    EXPECT_TRUE(
        std::count(self->listening.begin(), self->listening.end(), ListenAddress{wanted, 0}))
        << wanted;
  }
  fs::remove_all(folder);
}

TEST_P(CensusTest, SeesTheSocketsOfOtherNetworkNamespaces) {
  RETURN_IF_SKIPPED();
  const Listener here = Listen(Kind::kInet);
  std::vector<Listener> listeners;
  std::vector<Pair> pairs;
  Holder there([&] {
    if (unshare(CLONE_NEWNET) != 0 || std::system("ip link set lo up") != 0) return false;
    for (const auto kind : {Kind::kInet, Kind::kUnix}) {
      listeners.push_back(Listen(kind));
      pairs.push_back(Connected(kind));
    }
    return true;
  });
  if (!there.could()) GTEST_SKIP() << "no network namespaces here";
  ASSERT_TRUE(TakeBoth());
  const auto *child = Of(by_kernel_, there.pid()), *by_proc = Of(by_proc_, there.pid());
  ASSERT_TRUE(child != nullptr && by_proc != nullptr);
  // It holds `here` too, from before it left.
  EXPECT_EQ(Text(*child), Text(*by_proc));
  const auto* self = Of(by_kernel_, getpid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(child->listening.size(), self->listening.size() + 2);
  EXPECT_EQ(child->tcp_connections, self->tcp_connections + 2);
  EXPECT_EQ(child->unix_connections, self->unix_connections + 2);
  EXPECT_NE(child->network_namespace, self->network_namespace);
}

TEST_P(CensusTest, CountsRings) {
  RETURN_IF_SKIPPED();
  Holder user([] {
    const auto pair = UnnamedPair();
    for (int i = 0; i < 2; ++i) {
      io_uring_params params{};
      if (syscall(SYS_io_uring_setup, 4, &params) < 0) return false;
    }
    // Others of that file system.
    if (syscall(SYS_eventfd2, 0, 0) < 0 || syscall(SYS_epoll_create1, 0) < 0) return false;
    return dup(pair.client.get()) >= 0;
  });
  if (!user.could()) GTEST_SKIP() << "no io_uring here";
  ASSERT_TRUE(TakeBoth());
  const auto* process = Same(user.pid());
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->io_urings, 2u);
  EXPECT_EQ(process->unix_connections, UnixConnections(by_kernel_, getpid()) + 1);
}

TEST_P(CensusTest, KnowsNothingOfTheDeadAndOfSocketsOnTheirWay) {
  RETURN_IF_SKIPPED();
  // Nobody has waited for it.
  Child dead([] { return 0; });
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(dead.pid()), &info, WEXITED | WNOWAIT), 0);
  Holder sender([] {
    auto pair = UnnamedPair(), inside = UnnamedPair();
    char control[CMSG_SPACE(sizeof(int))]{}, byte = 0;
    iovec vector{.iov_base = &byte, .iov_len = 1};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = inside.client.get();
    std::memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
    if (sendmsg(pair.client.get(), &message, 0) != 1) return false;
    pair.client.release();
    pair.server.release();
    return true;
  });
  ASSERT_TRUE(sender.could());
  ASSERT_TRUE(TakeBoth());
  EXPECT_EQ(Of(by_kernel_, dead.pid()), nullptr);
  EXPECT_EQ(Of(by_proc_, dead.pid()), nullptr);
  const auto* process = Same(sender.pid());
  ASSERT_NE(process, nullptr);
  EXPECT_EQ(process->unix_connections, UnixConnections(by_kernel_, getpid()) + 2);
}

// What /proc/PID/fd does not show, because it is the first thread's.
TEST_P(CensusTest, SeesWhatOtherThreadsThanTheFirstHold) {
  RETURN_IF_SKIPPED();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const auto hold = [&] {
    const auto pair = UnnamedPair();
    SendAll(ready[1], "y");
    while (true) pause();
  };
  Child own_table([&] {
    std::thread([&] {
      if (unshare(CLONE_FILES) == 0) hold();
    }).join();
    return 1;
  });
  Child first_ended([&] {
    std::thread(hold).detach();
    syscall(SYS_exit, 0);
    return 1;
  });
  ASSERT_EQ(ReceiveExactly(ready[0], 2), "yy");
  ASSERT_TRUE(capture().WaitFor([&] { return IsZombie(first_ended.pid()); }));
  ASSERT_TRUE(TakeBoth());
  EXPECT_EQ(UnixConnections(by_kernel_, own_table.pid()),
            UnixConnections(by_proc_, own_table.pid()) + 2);
  EXPECT_EQ(UnixConnections(by_kernel_, first_ended.pid()),
            UnixConnections(by_kernel_, getpid()) + 2);
  close(ready[0]);
  close(ready[1]);
}

WIRESPAN_EACH_BACKEND(CensusTest);

}  // namespace
}  // namespace wirespan::kernel_test
