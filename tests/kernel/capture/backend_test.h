#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "tests/kernel/capture/capture.h"
#include "tests/kernel/capture/sockets.h"

namespace wirespan::kernel_test {

// "socktrace", "syscall", "fentry", "kprobe": as a function, because suites in several files need
// it at start-up.
inline std::vector<std::string> Backends() { return {"socktrace", "syscall", "fentry", "kprobe"}; }

// A capture of that backend with default options, made once and used by all tests of this program.
// Null where the kernel or the rights don't offer the backend: `why_not` says so.
Capture* SharedCapture(const std::string& backend, std::string& why_not);

// The fixture's verbs, whatever else the parameter of a suite holds.
class CaptureTest : public testing::Test {
 protected:
  // A failed test shows the source's counters.
  void TearDown() override;
  // Skips the test where the backend isn't offered; fails it if it is offered and doesn't start.
  void UseBackend(const std::string& backend);
  // Stops the shared capture and starts one with these options (backend is set here).
  void StartOwn(kernel::CaptureOptions options);
  // As it comes, without a source: for sockets that are older than it, and before StartOwn.
  void StartLater(const std::string& backend);

  Capture& capture() { return *capture_; }
  const std::string& backend() const { return backend_; }

  // Waits until both ends of a connection were told of as far as given, and gives what was told.
  // Fails the test (and gives what there is) at the deadline.
  Seen Told(const SocketName& name, std::uint64_t read_to, std::uint64_t written_to);

 private:
  std::string backend_{};
  Capture* capture_ = nullptr;
  std::unique_ptr<Capture> own_{};
};

class BackendTest : public CaptureTest, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { UseBackend(GetParam()); }
};

inline std::string BackendTestName(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

#define WIRESPAN_EACH_BACKEND(suite) \
  INSTANTIATE_TEST_SUITE_P(Each, suite, testing::ValuesIn(Backends()), BackendTestName)

// Skips the rest of a test body if SetUp's like did.
#define RETURN_IF_SKIPPED() \
  if (testing::Test::IsSkipped() || testing::Test::HasFatalFailure()) return

}  // namespace wirespan::kernel_test
