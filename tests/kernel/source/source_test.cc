// One exchange over loopback TCP and one over a Unix socket, told exactly as they happened, by
// every backend that this kernel offers. The many ways of moving bytes are tested in
// tests/kernel/capture.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "agent/app/process_bridge.h"
#include "agent/kernel/live_source.h"
#include "common/base/unique_fd.h"

namespace wirespan::kernel {
namespace {

using connection::CloseEvent;
using connection::DataEvent;
using connection::Direction;
using connection::OpenEvent;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string kRequest = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
const std::string kResponse = kHead + "hi";

struct Data {
  std::uint64_t conn = 0;
  std::uint64_t ts_ns = 0;
  std::uint32_t pid = 0;
  Direction direction = Direction::kRead;
  bool wire_exact = false;
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;
  std::string captured{};
};

class Collector : public connection::EventHandler {
 public:
  void OnEvent(const connection::Event& event) override {
    if (const auto* open = std::get_if<OpenEvent>(&event)) opens.push_back(*open);
    if (const auto* close = std::get_if<CloseEvent>(&event)) closes.push_back(*close);
    if (const auto* data = std::get_if<DataEvent>(&event)) {
      datas.push_back(Data{data->conn.cookie, data->ts_ns, data->pid, data->direction,
                           data->wire_exact, data->offset, data->end_offset,
                           std::string(data->captured)});
    }
  }
  // Of the connections that this process owns.
  std::vector<OpenEvent> OpensOf(pid_t pid) const {
    std::vector<OpenEvent> found{};
    for (const auto& open : opens) {
      if (open.pid == static_cast<std::uint32_t>(pid)) found.push_back(open);
    }
    return found;
  }
  std::vector<Data> DataOf(std::uint64_t conn) const {
    std::vector<Data> found{};
    for (const auto& data : datas) {
      if (data.conn == conn) found.push_back(data);
    }
    return found;
  }
  CloseEvent ClosedOf(std::uint64_t conn) const {
    CloseEvent all{};
    for (const auto& close : closes) {
      if (close.conn.cookie != conn) continue;
      all.read_ended |= close.read_ended;
      all.write_ended |= close.write_ended;
      all.gone |= close.gone;
      all.reset |= close.reset;
      if (close.read_ended) all.read_end_offset = close.read_end_offset;
      if (close.write_ended && close.write_end_offset)
        all.write_end_offset = close.write_end_offset;
    }
    return all;
  }

  std::vector<OpenEvent> opens{};
  std::vector<CloseEvent> closes{};
  std::vector<Data> datas{};
};

// A process of its own: the test's own traffic is not seen.
class Child {
 public:
  explicit Child(const std::function<void()>& run) : pid_(fork()) {
    if (pid_ == 0) {
      run();
      _exit(0);
    }
  }
  ~Child() {
    int status = 0;
    if (pid_ > 0) waitpid(pid_, &status, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

std::string ReadSome(int fd) {
  char buffer[4096];
  const ssize_t n = read(fd, buffer, sizeof(buffer));
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
}

void Serve(int listener) {
  const UniqueFd socket(accept(listener, nullptr, nullptr));
  (void)ReadSome(socket.get());
  (void)!write(socket.get(), kResponse.data(), kResponse.size());
  (void)ReadSome(socket.get());  // the end
}

void Ask(int family, const sockaddr* address, socklen_t size) {
  const UniqueFd socket(::socket(family, SOCK_STREAM, 0));
  if (connect(socket.get(), address, size) != 0) _exit(1);
  (void)!write(socket.get(), kRequest.data(), kRequest.size());
  (void)ReadSome(socket.get());
}

class SourceTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    CaptureOptions options{};
    options.backend = GetParam();
    auto source = LiveSource::Create(options);
    if (!source) GTEST_SKIP() << source.error().message;
    source_ = std::move(*source);
  }
  bool PollUntil(const std::function<bool()>& done) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    while (steady_clock::now() < deadline) {
      EXPECT_TRUE(source_->Poll(seen_, milliseconds(20)).has_value());
      if (done()) return true;
    }
    return false;
  }
  std::uint64_t Count(const std::string& name, const std::string& reason = "") {
    for (const auto& count : source_->Status().counts) {
      if (count.name == name && count.reason == reason) return count.events;
    }
    ADD_FAILURE() << name << " " << reason;
    return 0;
  }
  // The machine goes on while its counters are read: a snapshot that closes must turn up.
  void ExpectLedgerCloses() {
    std::uint64_t seen = 0, out = 0;
    EXPECT_TRUE(PollUntil([&] {
      seen = out = 0;
      for (const auto& count : source_->Status().counts) {
        if (count.name == "seen") seen = count.bytes;
        if (count.name == "captured" || count.name == "ignored" || count.name == "dropped")
          out += count.bytes;
      }
      return seen == out;
    })) << seen
        << " seen, " << out << " accounted for";
  }

  std::unique_ptr<LiveSource> source_{};
  Collector seen_{};
};

TEST_P(SourceTest, TellsATcpExchangeAtBothEnds) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 8), 0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::uint16_t port = ntohs(address.sin_port);

  const Child server([&] { Serve(listener.get()); });
  const Child client([&] { Ask(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof(address)); });
  ASSERT_TRUE(PollUntil([&] {
    const auto servers = seen_.OpensOf(server.pid()), clients = seen_.OpensOf(client.pid());
    return servers.size() == 1 && clients.size() == 1 &&
           seen_.ClosedOf(servers[0].conn.cookie).gone &&
           seen_.ClosedOf(clients[0].conn.cookie).gone;
  }));

  const OpenEvent s = seen_.OpensOf(server.pid())[0], c = seen_.OpensOf(client.pid())[0];
  EXPECT_EQ(s.opener, connection::Opener::kRemote);
  EXPECT_EQ(c.opener, connection::Opener::kLocal);
  EXPECT_EQ(s.local.port, port);
  EXPECT_EQ(s.local.family, connection::Family::kInet);
  EXPECT_EQ(s.local, c.remote);
  EXPECT_EQ(s.remote, c.local);
  EXPECT_EQ(s.local.ip[0], 127);
  EXPECT_NE(s.netns, 0u);
  EXPECT_EQ(s.netns, c.netns);
  EXPECT_FALSE(s.joined_late);
  EXPECT_FALSE(c.joined_late);
  ASSERT_TRUE(s.wire_known);
  ASSERT_TRUE(c.wire_known);
  EXPECT_EQ(s.local_isn, c.remote_isn);
  EXPECT_EQ(s.remote_isn, c.local_isn);
  EXPECT_NE(s.conn, c.conn);

  for (const auto& [conn, pid, request, response] :
       {std::tuple(s.conn.cookie, server.pid(), Direction::kRead, Direction::kWrite),
        std::tuple(c.conn.cookie, client.pid(), Direction::kWrite, Direction::kRead)}) {
    const auto data = seen_.DataOf(conn);
    ASSERT_EQ(data.size(), 2u);
    EXPECT_EQ(data[0].direction, request);
    EXPECT_EQ(data[0].captured, kRequest);
    EXPECT_EQ(data[0].offset, 0u);
    EXPECT_EQ(data[0].end_offset, kRequest.size());
    EXPECT_TRUE(data[0].wire_exact);
    EXPECT_EQ(data[0].pid, static_cast<std::uint32_t>(pid));
    EXPECT_EQ(data[1].direction, response);
    // The head; of a short body what came along with it, if anything.
    EXPECT_THAT(data[1].captured, testing::AnyOf(kHead, kResponse));
    EXPECT_EQ(data[1].offset, 0u);
    EXPECT_EQ(data[1].end_offset, kResponse.size());
    EXPECT_TRUE(data[1].wire_exact);
  }
  const CloseEvent closed = seen_.ClosedOf(s.conn.cookie);
  EXPECT_TRUE(closed.read_ended);
  EXPECT_EQ(closed.read_end_offset, kRequest.size());
  EXPECT_EQ(closed.write_end_offset, kResponse.size());
  EXPECT_FALSE(closed.reset);
  EXPECT_EQ(Count("dropped", "ring_full"), 0u);
}

TEST_P(SourceTest, TellsAnExchangeOverAUnixSocket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path =
      testing::TempDir() + "wirespan-source-" + std::to_string(getpid()) + GetParam();
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  unlink(path.c_str());
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  // It listens itself: what leads to a socket of ours would pass for the agent's own traffic.
  const Child server([&] {
    const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM, 0));
    if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return;
    if (listen(listener.get(), 8) != 0 || write(ready[1], "x", 1) != 1) return;
    Serve(listener.get());
  });
  close(ready[1]);
  char c_ready = 0;
  ASSERT_EQ(read(ready[0], &c_ready, 1), 1);
  close(ready[0]);
  const Child client([&] { Ask(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof(address)); });
  ASSERT_TRUE(PollUntil([&] {
    const auto servers = seen_.OpensOf(server.pid()), clients = seen_.OpensOf(client.pid());
    return servers.size() == 1 && clients.size() == 1 &&
           seen_.ClosedOf(servers[0].conn.cookie).read_ended &&
           seen_.DataOf(clients[0].conn.cookie).size() == 2;
  }));
  unlink(path.c_str());

  const OpenEvent s = seen_.OpensOf(server.pid())[0], c = seen_.OpensOf(client.pid())[0];
  EXPECT_EQ(s.local.path, path);
  EXPECT_EQ(c.remote.path, path);
  EXPECT_EQ(s.local.family, connection::Family::kUnix);
  EXPECT_EQ(s.opener, connection::Opener::kRemote);
  EXPECT_EQ(c.opener, connection::Opener::kLocal);
  EXPECT_FALSE(s.wire_known);
  EXPECT_EQ(s.peer_cookie, c.conn.cookie);
  for (const std::uint64_t conn : {s.conn.cookie, c.conn.cookie}) {
    const auto data = seen_.DataOf(conn);
    ASSERT_EQ(data.size(), 2u);
    EXPECT_EQ(data[0].captured, kRequest);
    EXPECT_EQ(data[0].offset, 0u);
    // The head; of a short body what came along with it, if anything.
    EXPECT_THAT(data[1].captured, testing::AnyOf(kHead, kResponse));
    EXPECT_EQ(data[1].end_offset, kResponse.size());
    EXPECT_FALSE(data[0].wire_exact);
  }
  EXPECT_EQ(seen_.ClosedOf(s.conn.cookie).read_end_offset, kRequest.size());
}

TEST_P(SourceTest, IgnoresAnExcludedProcessAndItsLedgerCloses) {
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  const auto run = [&] {
    int pair[2];  // its own: see above
    char c = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
    (void)!read(go[0], &c, 1);
    (void)!write(pair[0], kRequest.data(), kRequest.size());
  };
  const Child excluded(run);
  ASSERT_TRUE(source_->SetVerdict(static_cast<std::uint32_t>(excluded.pid()), Verdict::kExclude)
                  .has_value());
  const std::uint64_t before = Count("ignored", "excluded");
  ASSERT_EQ(write(go[1], "x", 1), 1);
  ASSERT_TRUE(PollUntil([&] { return Count("ignored", "excluded") > before; }));
  EXPECT_TRUE(seen_.OpensOf(excluded.pid()).empty());
  const Child included(run);
  ASSERT_EQ(write(go[1], "x", 1), 1);
  ASSERT_TRUE(PollUntil([&] { return seen_.OpensOf(included.pid()).size() == 1; }));
  ExpectLedgerCloses();
  for (const int fd : go) close(fd);
}

TEST_P(SourceTest, HasRoomForAsManyVerdictsAsTheAgentSays) {
  constexpr std::uint32_t kNobody = 5'000'000;  // above every pid: /proc/sys/kernel/pid_max
  std::uint32_t set = 0;
  while (set <= app::ProcessBridge::kMostTold) {
    const auto result = source_->SetVerdict(kNobody + set, Verdict::kInclude);
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted) << result.error().message;
      break;
    }
    ++set;
  }
  EXPECT_EQ(set, app::ProcessBridge::kMostTold);
  for (std::uint32_t i = 0; i < set; ++i) source_->ForgetProcess(kNobody + i);
  EXPECT_TRUE(source_->SetVerdict(kNobody, Verdict::kInclude).has_value());
}

INSTANTIATE_TEST_SUITE_P(Backends, SourceTest,
                         testing::Values("socktrace", "fentry", "kprobe", "syscall"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace wirespan::kernel
