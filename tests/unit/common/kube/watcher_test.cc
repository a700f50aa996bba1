#include "common/kube/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/kube/pod_table.h"
#include "tests/unit/common/http/support.h"
#include "tests/unit/common/kube/fake_api_server.h"
#include "tests/unit/common/kube/pods.h"

namespace wirespan::kube {
namespace {

using http::testing::Eventually;
using http::testing::TempFolder;
using testing::EventOf;
using testing::FakeApiServer;
using ::testing::HasSubstr;
using testing::ListOf;
using testing::PodText;
using namespace std::chrono_literals;

PodText Named(const std::string& name, const std::string& version = "100") {
  PodText text;
  text.name = text.uid = name;
  text.statuses = "";
  text.version = version;
  return text;
}

class WatcherTest : public ::testing::Test {
 protected:
  WatchOptions Options(const FakeApiServer& server) {
    WatchOptions options;
    options.access.server = server.url();
    options.field_selector = "spec.nodeName=n1";
    options.fields = PodFields();
    options.first_jitter = 0ms;
    options.backoff = {.initial = 5ms, .max = 20ms, .max_elapsed = 0ms};
    return options;
  }
  void Start(WatchOptions options) {
    watcher_ = Watcher::Start(std::move(options), table_, SystemClock(), registry_);
  }
  void Start() { Start(Options(server_)); }
  bool Known(const std::string& uid) {
    return Eventually([&] { return table_.Find(uid, "").pod != nullptr; });
  }
  double Errors(const char* reason) {
    return registry_.Value("wirespan_kube_errors_total",
                           {{"resource", "pods"}, {"reason", reason}});
  }
  bool Counted(const char* reason) {
    return Eventually([&] { return Errors(reason) > 0; });
  }
  bool Watched() {
    return Eventually([&] { return server_.watched(); });
  }

  FakeApiServer server_;
  telemetry::Registry registry_;
  PodTable table_{{.node = "n1"}, SystemClock(), registry_};
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatcherTest, ListsThenWatches) {
  server_.SetList(ListOf(Named("a").text(), "50"));
  Start();
  ASSERT_TRUE(watcher_->WaitListed(60s));
  EXPECT_EQ(table_.Find("a", "").pod->name, "a");
  ASSERT_TRUE(Watched());
  EXPECT_THAT(server_.last_query(), HasSubstr("fieldSelector=spec.nodeName%3Dn1&watch=1"));
  EXPECT_THAT(server_.last_query(), HasSubstr("allowWatchBookmarks=true&resourceVersion=50&"));
  const std::string added = EventOf("ADDED", Named("b", "51").text());
  ASSERT_TRUE(server_.Tell(added.substr(0, 100)));
  ASSERT_TRUE(server_.Tell(added.substr(100)));
  ASSERT_TRUE(Known("b"));
  PodText changed = Named("b", "52");
  changed.labels = R"("x":"y")";
  ASSERT_TRUE(server_.Tell(EventOf("MODIFIED", changed.text())));
  EXPECT_TRUE(Eventually([&] { return FindText(table_.Find("b", "").pod->labels, "x") == "y"; }));
  EXPECT_TRUE(watcher_->state().current);
  EXPECT_EQ(registry_.Value("wirespan_kube_events_total", {{"resource", "pods"}}), 2);
}

TEST_F(WatcherTest, GoesOnWhereAWatchEnded) {
  server_.SetList(ListOf("", "50"));
  Start();
  ASSERT_TRUE(Watched());
  ASSERT_TRUE(
      server_.Tell(EventOf("BOOKMARK", R"({"kind":"Pod","metadata":{"resourceVersion":"77"}})")));
  ASSERT_TRUE(Eventually(
      [&] { return registry_.Value("wirespan_kube_events_total", {{"resource", "pods"}}) == 1; }));
  server_.EndWatch();
  ASSERT_TRUE(Watched());
  EXPECT_THAT(server_.last_query(), HasSubstr("resourceVersion=77&"));
  ASSERT_TRUE(server_.Tell(EventOf("ADDED", Named("a", "78").text())));
  ASSERT_TRUE(Known("a"));
  server_.BreakWatch();
  ASSERT_TRUE(Watched());
  EXPECT_THAT(server_.last_query(), HasSubstr("resourceVersion=78&"));
  EXPECT_EQ(server_.lists(), 1);
  EXPECT_GE(Errors("cut"), 1);
  EXPECT_EQ(registry_.Value("wirespan_kube_watch_restarts_total", {{"resource", "pods"}}), 2);
}

TEST_F(WatcherTest, ListsAgainWhenItsPlaceIsForgotten) {
  server_.SetList(ListOf(Named("a").text() + "," + Named("b").text(), "50"));
  Start();
  ASSERT_TRUE(Watched());
  EXPECT_EQ(server_.lists(), 1);
  server_.SetList(ListOf(Named("b").text(), "90"));
  ASSERT_TRUE(server_.Tell(
      EventOf("ERROR", R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})")));
  server_.EndWatch();
  ASSERT_TRUE(Counted("gone"));
  ASSERT_TRUE(Watched());
  EXPECT_EQ(server_.lists(), 2);
  EXPECT_THAT(server_.last_query(), HasSubstr("resourceVersion=90&"));
  // As the status of a watch, too.
  server_.AnswerNext(410, R"({"kind":"Status","code":410})");
  server_.EndWatch();
  ASSERT_TRUE(Eventually([&] { return server_.lists() == 3; }));
  ASSERT_TRUE(Watched());
  EXPECT_EQ(Errors("gone"), 2);
}

TEST_F(WatcherTest, SurvivesGarbage) {
  server_.SetList(ListOf(Named("a").text(), "50"));
  server_.AnswerNext(200, "<html>who are you?</html>");
  server_.AnswerNext(200, R"({"kind":"PodList","items":[]})");
  server_.AnswerNext(200, R"({"metadata":{"resourceVersion":"1"},"kind":"Pod"})");
  server_.AnswerNext(200, R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{)");
  server_.AnswerNext(200, "");
  Start();
  ASSERT_TRUE(watcher_->WaitListed(60s));
  EXPECT_EQ(Errors("garbage"), 5);
  for (const std::string& garbage :
       {std::string("no json\n"), EventOf("STRANGE", Named("b").text()),
        EventOf("ADDED", R"({"metadata":{"name":"x"}})"), std::string(200, '[')}) {
    ASSERT_TRUE(Watched());
    const double before = Errors("garbage");
    ASSERT_TRUE(server_.Tell(garbage));
    ASSERT_TRUE(Eventually([&] { return Errors("garbage") > before; }));
    server_.BreakWatch();
  }
  ASSERT_TRUE(Watched());
  ASSERT_TRUE(server_.Tell(EventOf("ADDED", Named("b").text())));
  EXPECT_TRUE(Known("b"));
  EXPECT_TRUE(Known("a"));
  EXPECT_EQ(server_.lists(), 6);
}

TEST_F(WatcherTest, SaysWhatIsForbiddenAndGoesOn) {
  server_.SetList(R"({"kind":"Status","message":"pods is forbidden: User \"x\"\ncannot list"})",
                  403);
  Start();
  ASSERT_TRUE(Eventually([&] { return !watcher_->state().problem.empty(); }));
  EXPECT_THAT(watcher_->state().problem,
              HasSubstr("answered 403: pods is forbidden: User \"x\" cannot list"));
  EXPECT_FALSE(watcher_->state().current);
  EXPECT_FALSE(watcher_->WaitListed(0ms));
  EXPECT_GE(Errors("forbidden"), 1);
  server_.SetList(ListOf(Named("a").text(), "1"));
  ASSERT_TRUE(watcher_->WaitListed(60s));
  EXPECT_EQ(watcher_->state().problem, "");
}

TEST_F(WatcherTest, ReadsItsTokenAgain) {
  const TempFolder folder;
  const auto write = [&](const char* token) { std::ofstream(folder / "token") << token << "\n"; };
  server_.SetToken("first");
  server_.SetList(ListOf("", "1"));
  auto options = Options(server_);
  options.access.token_file = folder / "token";
  Start(options);
  ASSERT_TRUE(Counted("credentials"));
  write("first");
  ASSERT_TRUE(watcher_->WaitListed(60s));
  ASSERT_TRUE(Watched());
  server_.SetToken("second");
  server_.EndWatch();
  ASSERT_TRUE(Counted("unauthorized"));
  EXPECT_THAT(watcher_->state().problem, HasSubstr("is not accepted"));
  write("second");
  ASSERT_TRUE(Watched());
  EXPECT_EQ(server_.lists(), 1);
}

TEST_F(WatcherTest, WaitsForASlowListAndForAServerThatIsAway) {
  server_.SetList(ListOf(Named("a").text(), "1"));
  server_.HoldLists(true);
  Start();
  ASSERT_TRUE(Eventually([&] { return server_.lists() == 1; }));
  EXPECT_FALSE(watcher_->WaitListed(10ms));
  server_.HoldLists(false);
  EXPECT_TRUE(watcher_->WaitListed(60s));
  watcher_.reset();

  auto options = Options(server_);
  options.list_time = 50ms;
  server_.HoldLists(true);
  Start(options);
  EXPECT_TRUE(Counted("timeout"));
  watcher_.reset();  // ends while a list is under way

  std::uint16_t closed = 0;
  {
    const http::testing::Listener listener;
    closed = listener.port();
  }
  options.access.server = "http://127.0.0.1:" + std::to_string(closed);
  Start(options);
  EXPECT_TRUE(Counted("connect"));
}

TEST_F(WatcherTest, TakesASilentWatchForDead) {
  server_.SetList(ListOf("", "1"));
  auto options = Options(server_);
  options.quiet_limit = 50ms;
  Start(options);
  ASSERT_TRUE(Counted("timeout"));
  EXPECT_TRUE(Eventually([&] { return server_.watches() > 1; }));
}

TEST_F(WatcherTest, BoundsListsAndEvents) {
  auto options = Options(server_);
  options.max_list_bytes = 10'000;
  options.max_event_bytes = 10'000;
  PodText big = Named("big");
  big.annotations = "\"x\":\"" + std::string(20'000, 'x') + "\"";
  server_.SetList(ListOf(big.text(), "1"));
  Start(options);
  ASSERT_TRUE(Counted("too_large"));
  server_.SetList(ListOf("", "1"));
  ASSERT_TRUE(Watched());
  const double before = Errors("too_large");
  ASSERT_TRUE(server_.Tell(EventOf("ADDED", big.text())));
  ASSERT_TRUE(Eventually([&] { return Errors("too_large") > before; }));
  server_.BreakWatch();
  ASSERT_TRUE(Watched());
  // Many small ones are no large one.
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(server_.Tell(EventOf("ADDED", Named("p" + std::to_string(i)).text())));
  }
  EXPECT_TRUE(Known("p49"));
}

TEST_F(WatcherTest, FollowsPagesAndHonoursRetryAfter) {
  const auto page = [](const std::string& pods, const std::string& next) {
    return R"({"kind":"PodList","items":[)" + pods +
           R"(],"metadata":{"resourceVersion":"9","continue":")" + next + "\"}}";
  };
  server_.AnswerNext(429, "slow down", {{"Retry-After", "1"}});
  server_.AnswerNext(200, page(Named("a").text(), "x/y="));
  server_.AnswerNext(200, page(Named("b").text(), ""));
  const auto begin = std::chrono::steady_clock::now();
  Start();
  ASSERT_TRUE(watcher_->WaitListed(60s));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(Errors("throttled"), 1);
  EXPECT_EQ(server_.lists(), 3);
  EXPECT_EQ(table_.size(), 2u);
}

TEST_F(WatcherTest, KeepsItsNodesPodsOfAServerThatSendsAllOfTheCluster) {
  std::string pods;
  for (int i = 0; i < 10'000; ++i) {
    PodText text = Named("pod-" + std::to_string(i));
    if (i % 500 != 0) text.node = "another-node";
    pods += (pods.empty() ? "" : ",") + text.text();
  }
  server_.SetList(ListOf(pods, "1"));
  Start();
  ASSERT_TRUE(watcher_->WaitListed(120s));
  EXPECT_EQ(table_.size(), 20u);
  EXPECT_EQ(registry_.Value("wirespan_kube_objects_left_out_total", {{"reason", "other_node"}}),
            9'980);
  ASSERT_TRUE(Watched());
  PodText text = Named("late");
  text.node = "another-node";
  ASSERT_TRUE(server_.Tell(EventOf("ADDED", text.text())));
  text = Named("own");
  ASSERT_TRUE(server_.Tell(EventOf("ADDED", text.text())));
  ASSERT_TRUE(Known("own"));
  EXPECT_EQ(table_.size(), 21u);
}

TEST_F(WatcherTest, ChecksTheServersCertificateAgainstAFileThatMayChange) {
  const TempFolder folder;
  ASSERT_TRUE(http::testing::MakeCertificates(folder));
  FakeApiServer secure(
      {{.certificate_file = folder / "server.pem", .key_file = folder / "server.key"}});
  secure.SetList(ListOf(Named("a").text(), "1"));
  auto options = Options(secure);
  options.access.ca_file = folder / "trust.pem";
  // A CA of somebody else's at first: the client's own certificate.
  std::filesystem::copy(folder / "client.pem", folder / "trust.pem");
  Start(options);
  ASSERT_TRUE(Counted("connect"));
  EXPECT_FALSE(watcher_->WaitListed(0ms));
  std::filesystem::copy(folder / "ca.pem", folder / "trust.pem",
                        std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(watcher_->WaitListed(60s));
  EXPECT_TRUE(TryList(options, 10s).has_value());
}

TEST_F(WatcherTest, TriesOnceForACheck) {
  server_.SetList(ListOf("", "1"));
  EXPECT_TRUE(TryList(Options(server_), 10s).has_value());
  EXPECT_THAT(server_.last_query(), HasSubstr("limit=1"));
  server_.SetList("{}", 403);
  EXPECT_EQ(TryList(Options(server_), 10s).error().code, ErrorCode::kPermissionDenied);
}

TEST(AccessTest, IsFoundInAPod) {
  const auto in = [](const char* host, const char* port) {
    return InClusterAccess([=](const char* name) {
      return std::string(name) == "KUBERNETES_SERVICE_HOST" ? host : port;
    });
  };
  EXPECT_FALSE(in(nullptr, "443").has_value());
  EXPECT_FALSE(in("10.0.0.1", "").has_value());
  const auto access = in("10.0.0.1", "443");
  ASSERT_TRUE(access.has_value());
  EXPECT_EQ(access->server, "https://10.0.0.1:443");
  EXPECT_EQ(access->token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(in("fd00::1", "443")->server, "https://[fd00::1]:443");
}

TEST(AccessTest, RefusesWhatIsNoToken) {
  const TempFolder folder;
  const auto token = [&](const std::string& text) {
    std::ofstream(folder / "t") << text;
    return ReadToken(folder / "t");
  };
  EXPECT_EQ(*token("abc.def\n"), "abc.def");
  EXPECT_FALSE(token("").has_value());
  EXPECT_FALSE(token("a b").has_value());
  EXPECT_FALSE(token(std::string(70'000, 'x')).has_value());
  EXPECT_EQ(ReadToken(folder / "none").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace wirespan::kube
