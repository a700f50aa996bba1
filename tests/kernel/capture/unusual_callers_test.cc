// Callers that a backend may not be able to look into: then they are counted, never silently
// absent.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

class UnusualCallersTest : public BackendTest {};

TEST_P(UnusualCallersTest, AThirtyTwoBitProcessIsSeenOrCounted) {
#ifdef WIRESPAN_THIRTY_TWO_BIT_PROGRAM
  const auto before = capture().CountOf("thirty_two_bit").events;
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  const auto request = std::string("GET /thirty-two HTTP/1.1\r\nHost: test.example\r\n\r\n"),
             response = Response(6);
  auto program =
      Child::Exec([fd = client.get()] { dup2(fd, 3); }, {WIRESPAN_THIRTY_TWO_BIT_PROGRAM});
  const auto received = ReceiveExactly(server.get(), request.size());
  SendAll(server.get(), response);
  client.reset();
  const auto code = program.Wait();
  if (code == 127 || received.empty()) GTEST_SKIP() << "this kernel runs no 32-bit programs";
  ASSERT_EQ(code, 0);
  ASSERT_EQ(received, request);
  server.reset();
  bool counted = false, told = false;
  EXPECT_TRUE(capture().WaitFor([&] {
    const auto seen = capture().Find(client_name);
    told = seen && seen->written.end() == request.size() && seen->read.end() == response.size();
    counted = capture().CountOf("thirty_two_bit").events > before;
    return told || counted;
  })) << "a 32-bit process is neither seen nor counted";
  if (const auto seen = capture().Find(client_name)) {
    EXPECT_TRUE(seen->written.Agrees(request, 0));
    EXPECT_TRUE(seen->read.Agrees(response, 0));
  }
#else
  GTEST_SKIP() << "no 32-bit program for this machine";
#endif
}

// The least of a ring that sends and receives: no library, one request at a time.
class Ring {
 public:
  bool Open() {
    io_uring_params params{};
    fd_ = UniqueFd(static_cast<int>(syscall(SYS_io_uring_setup, 4, &params)));
    if (!fd_.valid()) return false;
    const auto sq_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    const auto cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
    sq_ = Map(sq_bytes, IORING_OFF_SQ_RING);
    cq_ = Map(cq_bytes, IORING_OFF_CQ_RING);
    entries_ =
        static_cast<io_uring_sqe*>(Map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    params_ = params;
    return sq_ != MAP_FAILED && cq_ != MAP_FAILED && entries_ != MAP_FAILED;
  }

  // The result of the operation, waited for.
  int Do(std::uint8_t operation, int socket, const void* buffer, std::size_t size) {
    const auto tail = At(sq_, params_.sq_off.tail), mask = At(sq_, params_.sq_off.ring_mask);
    const auto index = *tail & *mask;
    entries_[index] = {};
    entries_[index].opcode = operation;
    entries_[index].fd = socket;
    entries_[index].addr = reinterpret_cast<std::uint64_t>(buffer);
    entries_[index].len = static_cast<std::uint32_t>(size);
    At(sq_, params_.sq_off.array)[index] = index;
    std::atomic_ref(*tail).store(*tail + 1, std::memory_order_release);
    if (syscall(SYS_io_uring_enter, fd_.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0)
      return -errno;
    const auto head = At(cq_, params_.cq_off.head);
    const auto* completions =
        reinterpret_cast<const io_uring_cqe*>(static_cast<char*>(cq_) + params_.cq_off.cqes);
    const auto result = completions[*head & *At(cq_, params_.cq_off.ring_mask)].res;
    std::atomic_ref(*head).store(*head + 1, std::memory_order_release);
    return result;
  }

 private:
  void* Map(std::size_t bytes, std::uint64_t offset) const {
    return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(),
                static_cast<off_t>(offset));
  }
  static std::uint32_t* At(void* base, std::uint32_t offset) {
    return reinterpret_cast<std::uint32_t*>(static_cast<char*>(base) + offset);
  }
  UniqueFd fd_{};
  io_uring_params params_{};
  void* sq_ = nullptr;
  void* cq_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
};

TEST_P(UnusualCallersTest, IoUringIsSeenOrCounted) {
  Ring ring;
  if (!ring.Open()) GTEST_SKIP() << "no io_uring here: " << std::strerror(errno);
  const auto before = capture().CountOf("io_uring").events;
  auto [client, server] = TcpPair();
  const auto client_name = NameOf(client.get());
  const auto request = Request("/ring"), response = Response(33);
  ASSERT_EQ(ring.Do(IORING_OP_SEND, client.get(), request.data(), request.size()),
            static_cast<int>(request.size()));
  ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
  SendAll(server.get(), response);
  std::string received(response.size(), '?');
  ASSERT_EQ(ring.Do(IORING_OP_RECV, client.get(), received.data(), received.size()),
            static_cast<int>(response.size()));
  ASSERT_EQ(received, response);
  client.reset();
  server.reset();
  std::optional<Seen> seen;
  EXPECT_TRUE(capture().WaitFor([&] {
    seen = capture().Find(client_name);
    const bool told =
        seen && seen->written.end() == request.size() && seen->read.end() == response.size();
    return told || capture().CountOf("io_uring").events > before;
  })) << "io_uring is neither seen nor counted";
  if (seen) {
    EXPECT_TRUE(seen->written.Agrees(request, 0));
    EXPECT_TRUE(seen->read.Agrees(response, 0));
  }
}

TEST_P(UnusualCallersTest, SpliceOfWhatAClosedUnixSocketLeftIsSeenOrCounted) {
  const auto before = capture().CountOf("unseen").bytes;
  auto [client, server] = Connected(Kind::kUnix);
  const auto name = NameOf(client.get());
  const auto request = Request("/left"), response = Response(5000);
  SendAll(client.get(), request);
  ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
  SendAll(server.get(), response);
  server.reset();
  const auto head = response.find("\r\n\r\n") + 4;
  ASSERT_EQ(ReceiveExactly(client.get(), head), response.substr(0, head));
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]), in(ends[1]);
  ASSERT_EQ(splice(client.get(), nullptr, in.get(), nullptr, 65536, 0),
            static_cast<ssize_t>(response.size() - head));
  std::optional<Seen> seen;
  EXPECT_TRUE(capture().WaitFor([&] {
    seen = capture().Find(name);
    return (seen && seen->read.end() == response.size()) ||
           capture().CountOf("unseen").bytes >= before + response.size() - head;
  })) << "what was spliced is neither seen nor counted";
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->read.Agrees(response, 0));
}

WIRESPAN_EACH_BACKEND(UnusualCallersTest);

}  // namespace
}  // namespace wirespan::kernel_test
