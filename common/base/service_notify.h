#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace wirespan {

// Tells the service manager how this process is (systemd.exec NOTIFY_SOCKET, sd_notify(3): one
// datagram of NAME=value lines). Any thread. Without a manager that listens every call does
// nothing.
class ServiceNotify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC, and removes them: programs started later are not the
  // service.
  static ServiceNotify FromEnvironment();

  ServiceNotify() = default;
  // `path`: a file, or an abstract name that begins with '@'; empty: nobody listens.
  ServiceNotify(std::string_view path, std::chrono::microseconds watchdog)
      : path_(path), watchdog_(watchdog) {}

  // kUnavailable: nobody took the message; nothing here may depend on that.
  Result<> Ready(std::string_view status) const;
  Result<> Stopping(std::string_view status) const;
  // Begins a reload; Ready() ends it. The manager wants to know when it began (CLOCK_MONOTONIC).
  Result<> Reloading(std::chrono::microseconds monotonic) const;
  Result<> Alive() const;  // restarts the watchdog's time

  // How often Alive() is due: half of what the manager allows; zero: it does not watch.
  std::chrono::microseconds alive_interval() const { return watchdog_ / 2; }

 private:
  Result<> Send(std::string_view message) const;

  std::string path_;
  std::chrono::microseconds watchdog_{0};
};

}  // namespace wirespan
