#include "common/base/wait.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <csignal>
#include <thread>

namespace wirespan {
namespace {

using namespace std::chrono_literals;

TEST(WakeupTest, WakesOnceForManyNotifications) {
  auto wakeup = Wakeup::Create();
  ASSERT_TRUE(wakeup.has_value());
  EXPECT_FALSE(wakeup->WaitFor(0ms));
  std::jthread other([&] {
    wakeup->Notify();
    wakeup->Notify();
  });
  EXPECT_TRUE(wakeup->WaitFor(60s));
  other.join();
  wakeup->Drain();
  EXPECT_FALSE(wakeup->WaitFor(0ms));
}

TEST(SignalWaiterTest, TurnsSignalsIntoValuesAndRestoresTheMask) {
  {
    auto waiter = SignalWaiter::Create({SIGUSR1, SIGUSR2});
    ASSERT_TRUE(waiter.has_value());
    EXPECT_EQ(waiter->WaitFor(0ms), std::nullopt);
    ::pthread_kill(::pthread_self(), SIGUSR2);
    EXPECT_EQ(waiter->WaitFor(60s), SIGUSR2);
    EXPECT_EQ(waiter->WaitFor(0ms), std::nullopt);
  }
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  EXPECT_EQ(sigismember(&now, SIGUSR1), 0);
}

}  // namespace
}  // namespace wirespan
