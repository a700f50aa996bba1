#include "tests/kernel/capture/backend_test.h"

#include <cstdio>
#include <map>

namespace wirespan::kernel_test {
namespace {

struct Shared {
  std::unique_ptr<Capture> capture{};
  std::string why_not{};
  bool offered = false;  // it started once
};

std::map<std::string, Shared>& SharedCaptures() {
  static std::map<std::string, Shared> all;
  return all;
}

bool IsRefusal(const Error& error) {
  return error.code == ErrorCode::kUnsupported || error.code == ErrorCode::kPermissionDenied;
}

}  // namespace

Capture* SharedCapture(const std::string& backend, std::string& why_not) {
  auto [entry, is_new] = SharedCaptures().try_emplace(backend);
  auto& shared = entry->second;
  if (shared.capture == nullptr && shared.why_not.empty()) {
    // The splice tests want to see the first one.
    auto started = Capture::Start({.backend = backend, .splice_at_once = true});
    if (started) {
      shared.capture = std::move(*started);
      shared.offered = true;
    } else {
      shared.why_not = started.error().message;
      if (!IsRefusal(started.error()))
        ADD_FAILURE() << backend << " does not start: " << shared.why_not;
    }
  }
  why_not = shared.why_not;
  return shared.capture.get();
}

void CaptureTest::TearDown() {
  if (!HasFailure() || capture_ == nullptr) return;
  std::printf("counters of %s:\n", backend_.c_str());
  for (const auto& [key, count] : capture_->Counts()) {
    if (count.events == 0) continue;
    std::printf("  %s{%s} %llu events, %llu bytes\n", key.first.c_str(), key.second.c_str(),
                static_cast<unsigned long long>(count.events),
                static_cast<unsigned long long>(count.bytes));
  }
}

void CaptureTest::UseBackend(const std::string& backend) {
  backend_ = backend;
  if (geteuid() != 0) GTEST_SKIP() << "capturing needs root";
  std::string why_not;
  capture_ = SharedCapture(backend, why_not);
  if (capture_ == nullptr) GTEST_SKIP() << backend << " is not offered here: " << why_not;
  capture_->Restart();
}

void CaptureTest::StartOwn(kernel::CaptureOptions options) {
  SharedCaptures()[backend_].capture.reset();
  own_.reset();
  options.backend = backend_;
  auto started = Capture::Start(options);
  ASSERT_TRUE(started) << started.error().message;
  own_ = std::move(*started);
  capture_ = own_.get();
}

void CaptureTest::StartLater(const std::string& backend) {
  // Loading takes the verifier a second or more a backend: not for nothing.
  backend_ = backend;
  Shared& shared = SharedCaptures()[backend];
  if (!shared.offered) UseBackend(backend);
  if (IsSkipped()) return;
  shared.capture.reset();
  capture_ = nullptr;
}

Seen CaptureTest::Told(const SocketName& name, std::uint64_t read_to, std::uint64_t written_to) {
  std::optional<Seen> seen;
  const bool arrived = capture_->WaitFor([&] {
    seen = capture_->Find(name);
    return seen && seen->read.end() >= read_to && seen->written.end() >= written_to;
  });
  EXPECT_TRUE(arrived) << "of socket " << name.local.port << name.local.path << " -> "
                       << name.remote.port << name.remote.path
                       << (seen ? " was told: read to " + std::to_string(seen->read.end()) +
                                      " of " + std::to_string(read_to) + ", written to " +
                                      std::to_string(seen->written.end()) + " of " +
                                      std::to_string(written_to)
                                : std::string(" nothing was told"));
  return seen.value_or(Seen{});
}

}  // namespace wirespan::kernel_test
