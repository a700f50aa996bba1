// Everything the hooks saw was captured, ignored or dropped, the latter two with a reason, also
// when the ring is far too small.
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "agent/kernel/preemption.h"
#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

struct Ledger {
  Count seen{};
  Count captured{};
  Count ignored{};
  Count dropped{};
  std::string text{};
};

Ledger LedgerOf(Capture& capture) {
  Ledger ledger;
  for (const auto& [key, count] : capture.Counts()) {
    auto* part = key.first == "seen"       ? &ledger.seen
                 : key.first == "captured" ? &ledger.captured
                 : key.first == "ignored"  ? &ledger.ignored
                 : key.first == "dropped"  ? &ledger.dropped
                                           : nullptr;
    ledger.text += key.first + "{" + key.second + "} " + std::to_string(count.events) + " events " +
                   std::to_string(count.bytes) + " bytes\n";
    if (part == nullptr) continue;
    part->events += count.events;
    part->bytes += count.bytes;
  }
  return ledger;
}

// Four threads, and four calls an exchange.
void Flood(int exchanges) {
  const auto request = Request("/flood"), response = Response(2000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto [client, server] = TcpPair();
      for (int i = 0; i < exchanges; ++i) {
        SendAll(client.get(), request);
        ReceiveExactly(server.get(), request.size());
        SendAll(server.get(), response);
        ReceiveExactly(client.get(), response.size());
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

class LedgerTest : public CaptureTest, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { StartLater(GetParam()); }
  // The counters are read while the machine goes on: a snapshot that closes must turn up.
  void ExpectClosed() {
    Ledger ledger;
    EXPECT_TRUE(capture().WaitFor([&] {
      ledger = LedgerOf(capture());
      const auto sum = [](std::uint64_t a, std::uint64_t b, std::uint64_t c) { return a + b + c; };
      return ledger.seen.events ==
                 sum(ledger.captured.events, ledger.ignored.events, ledger.dropped.events) &&
             ledger.seen.bytes ==
                 sum(ledger.captured.bytes, ledger.ignored.bytes, ledger.dropped.bytes);
    })) << ledger.text;
  }
};

TEST_P(LedgerTest, ClosesInOrdinaryTraffic) {
  StartOwn({});
  RETURN_IF_SKIPPED();
  Flood(50);
  capture().Sync();
  const std::uint64_t missed = capture().CountOf("recursion").events;
  if (!kernel::KernelPreempts()) {
    EXPECT_EQ(missed, 0u) << "no program can be kept out by one that lost its CPU";
  }
  EXPECT_GE(LedgerOf(capture()).seen.events + missed, 4u * 50 * 4) << LedgerOf(capture()).text;
  ExpectClosed();
}

TEST_P(LedgerTest, ClosesWhenTheRingOverflows) {
  StartOwn({.ring_bytes = 128u << 10});
  RETURN_IF_SKIPPED();
  capture().Pause();
  Flood(3000);
  // One process alone is stopped by its share, an eighth beyond the first half, before the ring is
  // full.
  EXPECT_GT(capture().CountOf("share").events, 0u) << LedgerOf(capture()).text;
  capture().Resume();
  ExpectClosed();
}

// Shares leave every process a part of what is free, so that many together come close to the ring's
// end and never all the way: which of the two reasons stops the last record is not told here.
TEST_P(LedgerTest, ClosesWhenManyProcessesFillTheRing) {
  StartOwn({.ring_bytes = 128u << 10});
  RETURN_IF_SKIPPED();
  capture().Pause();
  {
    std::vector<Child> flooders;
    for (int i = 0; i < 12; ++i) {
      flooders.emplace_back([&] {
        Flood(100);
        return 0;
      });
    }
    for (auto& flooder : flooders) EXPECT_EQ(flooder.Wait(), 0);
  }
  EXPECT_GT(capture().CountOf("ring_full").events + capture().CountOf("share").events, 0u)
      << LedgerOf(capture()).text;
  capture().Resume();
  ExpectClosed();
}

TEST_P(LedgerTest, CaptureGoesOnAfterAnOverflow) {
  StartOwn({.ring_bytes = 128u << 10});
  RETURN_IF_SKIPPED();
  auto [old_client, old_server] = TcpPair();
  const auto old_name = NameOf(old_client.get());
  capture().Pause();
  // This connection's first request falls into the overflow; its next one must be told at the right
  // offset.
  Flood(2000);
  const auto lost = Request("/lost"), request = Request("/after-overflow"), response = Response(8);
  SendAll(old_client.get(), lost);
  ReceiveExactly(old_server.get(), lost.size());
  SendAll(old_server.get(), response);
  ReceiveExactly(old_client.get(), response.size());
  capture().Resume();
  capture().Sync();
  auto [client, server] = TcpPair();
  const auto name = NameOf(client.get());
  for (const auto* pair : {&client, &old_client}) {
    const int peer = pair == &client ? server.get() : old_server.get();
    SendAll(pair->get(), request);
    ReceiveExactly(peer, request.size());
    SendAll(peer, response);
    ReceiveExactly(pair->get(), response.size());
  }
  EXPECT_TRUE(CarriesEveryByte(Told(name, response.size(), request.size()).written, request));
  const auto old_seen = Told(old_name, 2 * response.size(), lost.size() + request.size());
  EXPECT_TRUE(old_seen.written.Agrees(lost + request, 0));
  EXPECT_TRUE(old_seen.written.HasCaptured(lost.size(), lost.size() + request.size()));
}

// Fifty of each kind, because the machine goes on beside the test.
class IgnoredTest : public BackendTest {
 protected:
  static constexpr std::uint64_t kTimes = 50;
  // How often `reason` was counted while `fifty` ran.
  std::uint64_t Counted(std::string_view reason, const std::function<void()>& fifty) {
    const auto before = capture().CountOf(reason).events;
    fifty();
    capture().Sync();
    return capture().CountOf(reason).events - before;
  }
};

TEST_P(IgnoredTest, CallsThatMoveNothing) {
  auto [client, server] = TcpPair();
  char byte = 0;
  const auto counted = Counted("empty", [&] {
    for (std::uint64_t i = 0; i < kTimes; ++i)
      EXPECT_EQ(recv(server.get(), &byte, 1, MSG_DONTWAIT), -1);
  });
  // A system call that failed is nothing that its backend looks at.
  if (backend() != "syscall") {
    EXPECT_GE(counted, kTimes);
  }
}

TEST_P(IgnoredTest, PeekedBytes) {
  auto [client, server] = TcpPair();
  const auto server_name = NameOf(server.get());
  const auto request = Request("/peeked");
  std::string buffer(request.size(), '?');
  SendAll(client.get(), request);
  EXPECT_GE(Counted("peek",
                    [&] {
                      for (std::uint64_t i = 0; i < kTimes; ++i)
                        EXPECT_GT(recv(server.get(), buffer.data(), 9, MSG_PEEK), 0);
                    }),
            kTimes);
  ASSERT_EQ(ReceiveExactly(server.get(), request.size()), request);
  EXPECT_TRUE(CarriesEveryByte(Told(server_name, request.size(), 0).read, request));
}

// They have their place in TCP's sequence, and the stream goes on behind it.
TEST_P(IgnoredTest, UrgentBytesAreNoneOfTheStream) {
  auto [client, server] = TcpPair();
  const auto server_name = NameOf(server.get());
  const auto first = Request("/urgent"), second = Request("/behind-urgent");
  SendAll(client.get(), first);
  ASSERT_EQ(ReceiveExactly(server.get(), first.size()), first);
  EXPECT_GE(Counted("out_of_band",
                    [&] {
                      for (std::uint64_t i = 0; i < kTimes; ++i) {
                        char byte = 'u';
                        ASSERT_EQ(send(client.get(), &byte, 1, MSG_OOB), 1);
                        pollfd urgent{.fd = server.get(), .events = POLLPRI, .revents = 0};
                        ASSERT_EQ(poll(&urgent, 1, 60'000), 1);
                        ASSERT_EQ(recv(server.get(), &byte, 1, MSG_OOB), 1);
                      }
                    }),
            kTimes);
  SendAll(client.get(), second);
  ASSERT_EQ(ReceiveExactly(server.get(), second.size()), second);
  const auto place = first.size() + kTimes;
  EXPECT_TRUE(capture().WaitFor([&] {
    const auto seen = capture().Find(server_name);
    return seen && seen->read.HasCaptured(place, place + second.size());
  }));
  const auto seen = capture().Find(server_name);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->read.Agrees(first + std::string(kTimes, 'u') + second, 0));
}

// Hooks on the functions of streams are never called for these.
TEST_P(IgnoredTest, DatagramsAreNoStream) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]), two(ends[1]);
  const auto request = Request("/datagram");
  const auto counted = Counted("not_stream", [&] {
    for (std::uint64_t i = 0; i < kTimes; ++i) {
      SendAll(one.get(), request);
      ASSERT_EQ(ReceiveExactly(two.get(), request.size()), request);
    }
  });
  if (backend() == "socktrace" || backend() == "syscall") {
    EXPECT_GE(counted, 2 * kTimes);
  }
  EXPECT_TRUE(capture().Connections().empty());
}

TEST_P(IgnoredTest, WhatBeganWithNoMessageIsNotRecognised) {
  std::vector<Pair> pairs;
  for (std::uint64_t i = 0; i < kTimes; ++i) pairs.push_back(TcpPair());
  const std::string bytes(30, '\xfe');
  EXPECT_GE(Counted("unrecognized",
                    [&] {
                      for (auto& pair : pairs) {
                        SendAll(pair.client.get(), bytes);
                        ASSERT_EQ(ReceiveExactly(pair.server.get(), bytes.size()), bytes);
                      }
                    }),
            2 * kTimes);
}

WIRESPAN_EACH_BACKEND(LedgerTest);
WIRESPAN_EACH_BACKEND(IgnoredTest);

}  // namespace
}  // namespace wirespan::kernel_test
