#include "common/base/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/base/unique_fd.h"

namespace wirespan {
namespace {

using namespace std::chrono_literals;

// The manager's end: a datagram socket at a path, or at an abstract name that begins with '@'.
class Manager {
 public:
  explicit Manager(std::string name)
      : name_(std::move(name)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    if (name_.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0)
        << std::strerror(errno);
  }
  std::string Receive() {
    std::array<char, 512> buffer{};
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return n < 0 ? std::string("nothing") : std::string(buffer.data(), static_cast<std::size_t>(n));
  }

 private:
  std::string name_;
  UniqueFd fd_;
};

std::string FreshName() { return "wirespan-notify-" + std::to_string(::getpid()); }

TEST(ServiceNotifyTest, SaysEachStateInTheManagersWords) {
  const auto path = std::filesystem::temp_directory_path() / FreshName();
  {
    Manager manager(path.string());
    const ServiceNotify service(path.string(), 10s);
    ASSERT_TRUE(service.Ready("observing").has_value());
    EXPECT_EQ(manager.Receive(), "READY=1\nSTATUS=observing");
    ASSERT_TRUE(service.Reloading(1234567us).has_value());
    EXPECT_EQ(manager.Receive(), "RELOADING=1\nMONOTONIC_USEC=1234567");
    ASSERT_TRUE(service.Alive().has_value());
    EXPECT_EQ(manager.Receive(), "WATCHDOG=1");
    ASSERT_TRUE(service.Stopping("draining").has_value());
    EXPECT_EQ(manager.Receive(), "STOPPING=1\nSTATUS=draining");
    EXPECT_EQ(service.alive_interval(), 5s);
  }
  std::filesystem::remove(path);
}

TEST(ServiceNotifyTest, TakesItsVariablesOutOfTheEnvironment) {
  const std::string name = "@" + FreshName();
  Manager manager(name);
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const auto service = ServiceNotify::FromEnvironment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
  EXPECT_EQ(service.alive_interval(), 15s);
  ASSERT_TRUE(service.Alive().has_value());
  EXPECT_EQ(manager.Receive(), "WATCHDOG=1");
}

TEST(ServiceNotifyTest, AnotherProcessesWatchdogIsNotOurs) {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceNotify::FromEnvironment().alive_interval(), 0us);
}

TEST(ServiceNotifyTest, WithoutAManagerNothingHappens) {
  EXPECT_TRUE(ServiceNotify().Ready("alone").has_value());
  EXPECT_EQ(ServiceNotify().alive_interval(), 0us);
}

TEST(ServiceNotifyTest, AManagerThatIsGoneIsOneSentence) {
  const ServiceNotify service("/nonexistent/notify", 0us);
  const auto told = service.Ready("observing");
  ASSERT_FALSE(told.has_value());
  EXPECT_EQ(told.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(told.error().message, "NOTIFY_SOCKET: No such file or directory");
}

}  // namespace
}  // namespace wirespan
