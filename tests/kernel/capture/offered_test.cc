// Which backends this machine offers; the suites skip the others, so one has to be there.
#include "agent/kernel/feature_probe.h"
#include "tests/kernel/capture/backend_test.h"

namespace wirespan::kernel_test {
namespace {

TEST(OfferedBackendsTest, AtLeastOneRunsHere) {
  if (geteuid() != 0) GTEST_SKIP() << "capturing needs root";
  std::size_t offered = 0;
  for (const auto& backend : Backends()) {
    auto started = Capture::Start({.backend = backend});
    if (started) {
      ++offered;
      auto [client, server] = TcpPair();
      const auto name = NameOf(client.get());
      SendAll(client.get(), Request("/"));
      EXPECT_TRUE((*started)->WaitFor([&] { return (*started)->Find(name).has_value(); }))
          << backend << " starts but tells nothing";
    } else {
      std::printf("%s is not offered here: %s\n", backend.c_str(), started.error().message.c_str());
      EXPECT_THAT(started.error().code,
                  testing::AnyOf(ErrorCode::kUnsupported, ErrorCode::kPermissionDenied))
          << started.error().message;
      EXPECT_FALSE(started.error().message.empty());
      EXPECT_EQ(started.error().message.find('\n'), std::string::npos)
          << "a refusal is one sentence: " << started.error().message;
    }
  }
  EXPECT_GE(offered, 1u) << "no backend captures on this machine";
}

TEST(OfferedBackendsTest, TheProbeSaysTheSame) {
  if (geteuid() != 0) GTEST_SKIP() << "capturing needs root";
  const auto report = kernel::ProbeFeatures();
  for (const auto& check : report.backends) {
    SCOPED_TRACE(check.name);
    EXPECT_EQ(check.usable, Capture::Start({.backend = check.name}).has_value());
    EXPECT_EQ(check.usable, check.why_not.empty()) << check.why_not;
  }
  EXPECT_EQ(report.backends.size(), Backends().size());
  EXPECT_FALSE(report.chosen.empty());
}

TEST(OfferedBackendsTest, AnUnknownBackendIsRefusedByName) {
  const auto started = Capture::Start({.backend = "telepathy"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(started.error().message.find("telepathy"), std::string::npos)
      << started.error().message;
}

}  // namespace
}  // namespace wirespan::kernel_test
