// What a whole cluster's agents do to an API server: 500 watchers as agents have them, in one
// process, against one server. Times are bounded from below alone (spreads, pauses), which a slow
// machine makes longer and not shorter; numbers of requests are exact, or bounded by the pauses.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "common/kube/pod_table.h"
#include "common/kube/watcher.h"
#include "tests/unit/common/http/support.h"
#include "tests/unit/common/kube_fleet/fleet_server.h"

namespace wirespan::kube {
namespace {

using http::testing::Eventually;
using http::testing::TempFolder;
using testing::FleetServer;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t kAgents = 500;

struct Agent {
  Agent(WatchOptions options, std::size_t number) : table({.node = Name(number)}, clock, registry) {
    options.field_selector = "spec.nodeName=" + Name(number);
    options.fields = PodFields();
    options.seed = number * 7919 + 1;
    watcher = Watcher::Start(std::move(options), table, clock, registry);
  }
  static std::string Name(std::size_t number) { return "node-" + std::to_string(number); }

  const Clock& clock = SystemClock();
  telemetry::Registry registry;
  PodTable table;
  std::unique_ptr<Watcher> watcher;
};

class FleetTest : public ::testing::Test {
 protected:
  // With the pauses that agents have.
  void Start() {
    WatchOptions options;
    options.access.server = server_.url();
    options.access.token_file = token_file_;
    options.access.insecure_skip_verify = true;  // 500 times the system's trust would take a minute
    WriteToken("first");
    for (std::size_t i = 0; i < kAgents; ++i) {
      agents_.push_back(std::make_unique<Agent>(options, i));
    }
    ASSERT_TRUE(AllWatch());
  }
  void WriteToken(const std::string& token) {
    std::ofstream(token_file_ + ".new") << token;
    std::filesystem::rename(token_file_ + ".new", token_file_);
  }
  // Every agent has a watch open, and after its first word is up to date.
  bool AllWatch() {
    const bool open = Eventually([&] {
      std::this_thread::sleep_for(20ms);
      return server_.open_watches() == kAgents;
    });
    server_.TellAll(
        R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"60"}}})"
        "\n");
    return open && Eventually([&] {
             std::this_thread::sleep_for(20ms);
             return std::all_of(agents_.begin(), agents_.end(),
                                [](const auto& agent) { return agent->watcher->state().current; });
           });
  }
  // Between the first tenth of the requests and the last one.
  milliseconds Spread(FleetServer::Clock::time_point since) {
    const auto times = server_.TimesSince(since);
    if (times.size() < kAgents) return 0ms;
    return std::chrono::duration_cast<milliseconds>(times[times.size() * 9 / 10] -
                                                    times[times.size() / 10]);
  }

  TempFolder folder_;
  const std::string token_file_ = folder_ / "token";
  FleetServer server_;
  std::vector<std::unique_ptr<Agent>> agents_;
};

TEST_F(FleetTest, AStartIsOneListAndOneWatchEachSpreadOverTwoSeconds) {
  const auto begin = FleetServer::Clock::now();
  Start();
  const auto counts = server_.counts();
  EXPECT_EQ(counts.lists, static_cast<int>(kAgents));
  EXPECT_EQ(counts.lists_of_now, 0) << "etcd is not asked";
  EXPECT_EQ(counts.watches, static_cast<int>(kAgents));
  // Even: 1.6 s of 2.
  EXPECT_GE(Spread(begin), 800ms);
}

TEST_F(FleetTest, AServerThatRestartsIsAskedForNoList) {
  Start();
  const auto begin = FleetServer::Clock::now();
  server_.BreakAll();
  ASSERT_TRUE(AllWatch());
  const auto counts = server_.counts();
  EXPECT_EQ(counts.lists, static_cast<int>(kAgents)) << "watches go on where they ended";
  EXPECT_EQ(counts.watches, 2 * static_cast<int>(kAgents));
  // The pause is 1 s, give or take half of it: 0.8 s of 1.
  EXPECT_GE(Spread(begin), 400ms);
}

TEST_F(FleetTest, AForgottenPlaceIsOneListOfNowEach) {
  Start();
  const auto begin = FleetServer::Clock::now();
  server_.TellAll(R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})"
                  "\n");
  server_.EndAll();
  ASSERT_TRUE(AllWatch());
  const auto counts = server_.counts();
  EXPECT_EQ(counts.lists, 2 * static_cast<int>(kAgents));
  EXPECT_EQ(counts.lists_of_now, static_cast<int>(kAgents));
  EXPECT_EQ(counts.watches, 2 * static_cast<int>(kAgents));
  EXPECT_GE(Spread(begin), 400ms);
}

TEST_F(FleetTest, AServerThatIsAwayIsAskedLessAndLess) {
  Start();
  const auto begin = FleetServer::Clock::now();
  server_.SetAway(true);
  server_.BreakAll();
  // Pauses of 1, 2, 4 s, each half as long at least: after 10 s an agent has asked 5 times at most.
  std::this_thread::sleep_for(10s);
  const std::size_t refused = static_cast<std::size_t>(server_.counts().refused);
  const auto took = FleetServer::Clock::now() - begin;
  EXPECT_GE(refused, kAgents);
  if (took < 15s) {
    EXPECT_LE(refused, 5 * kAgents);
    EXPECT_EQ(server_.NodesOver(5, begin), 0u);
  }
  server_.SetAway(false);
  ASSERT_TRUE(AllWatch());
  EXPECT_EQ(server_.counts().lists, static_cast<int>(kAgents));
}

TEST_F(FleetTest, AnExpiredTokenIsReadAgainAndCostsNoList) {
  Start();
  server_.SetToken("second");
  server_.BreakAll();
  ASSERT_TRUE(Eventually([&] { return server_.counts().refused >= static_cast<int>(kAgents); }));
  std::size_t told = 0;
  for (const auto& agent : agents_) {
    told += agent->watcher->state().problem.find("is not accepted") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(told, kAgents / 2);
  WriteToken("second");
  ASSERT_TRUE(AllWatch());
  EXPECT_EQ(server_.counts().lists, static_cast<int>(kAgents));
  for (const auto& agent : agents_) {
    EXPECT_GE(agent->registry.Value("wirespan_kube_errors_total",
                                    {{"resource", "pods"}, {"reason", "unauthorized"}}),
              1);
  }
}

TEST_F(FleetTest, AllGoAtOnceWhateverIsUnderWay) {
  Start();
  server_.SetAway(true);
  server_.BreakAll();
  const auto begin = FleetServer::Clock::now();
  agents_.clear();
  EXPECT_LT(FleetServer::Clock::now() - begin, 60s);
}

}  // namespace
}  // namespace wirespan::kube
