#include "agent/app/successor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "common/http/server.h"

namespace wirespan::app {
namespace {

using kube::Failure;
using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const OwnDaemonSet kOwn{.name = "wirespan-agent",
                        .name_space = "telemetry",
                        .node_selector = {"kubernetes.io/os=linux"}};

std::string Answer(const std::string& metadata = "",
                   const std::string& variable = "WIRESPAN_DAEMONSET",
                   const std::string& selector = R"("kubernetes.io/os":"linux")") {
  return R"({"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"wirespan-agent","managedFields":[{"f":{"name":"x"}}])" +
         metadata + R"(},"spec":{"template":{"metadata":{"name":"y"},"spec":{"containers":[)" +
         R"({"name":"side"},{"name":"agent","env":[{"name":"NODE_NAME"},{"name":")" + variable +
         R"(","value":"wirespan-agent"}]}],"nodeSelector":{)" + selector +
         R"(}}}},"status":{"kind":"z"}})";
}

constexpr const char* kPath = "/apis/apps/v1/namespaces/telemetry/daemonsets/wirespan-agent";
constexpr const char* kSpacePath = "/api/v1/namespaces/telemetry";
constexpr const char* kSpace = R"({"kind":"Namespace","metadata":{"name":"telemetry"}})";

// One answer for each of the two questions. Status 0: never.
struct Answers {
  int status = 200;
  std::string body{};
  int space_status = 200;
  std::string space = kSpace;
};

class Server {
 public:
  explicit Server(Answers answers) {
    auto server = http::Server::Start(
        {}, [this, answers](http::Request request, std::unique_ptr<http::Responder> to) {
          const bool space = request.path == kSpacePath;
          int status = space ? answers.space_status : answers.status;
          if (!space && request.path != kPath) status = 400;
          if (status != 0)
            return to->Send({.status = status, .body = space ? answers.space : answers.body});
          const std::lock_guard lock(mutex_);
          held_.push_back(std::move(to));
        });
    if (!server) std::abort();
    server_ = std::move(*server);
  }
  ~Server() { server_.reset(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

 private:
  std::mutex mutex_;  // guards held_
  std::vector<std::unique_ptr<http::Responder>> held_{};
  std::unique_ptr<http::Server> server_{};
};

// What comes of answers, from their bytes to the sentence.
std::string After(Answers answers, std::chrono::milliseconds timeout = 20s) {
  const Server server(std::move(answers));
  DaemonSetSeen seen;
  const auto asked = AskForDaemonSet({.server = server.url()}, kOwn, timeout, seen);
  return WhyNobodyComes(kOwn, asked, seen);
}
std::string After(int status, const std::string& body) {
  return After(Answers{.status = status, .body = body});
}

TEST(SuccessorTest, ComesWhereTheDaemonSetStays) { EXPECT_EQ(After(200, Answer()), ""); }

TEST(SuccessorTest, ComesNotToADaemonSetThatGoes) {
  EXPECT_THAT(After(200, Answer(R"(,"deletionTimestamp":"2026-01-01T00:00:00Z")")),
              AllOf(HasSubstr("telemetry/wirespan-agent"), HasSubstr("being deleted")));
  EXPECT_THAT(After(404, R"({"kind":"Status","message":"daemonsets \"x\" not found"})"),
              HasSubstr("is gone"));
}

TEST(SuccessorTest, ComesNotWithItsNamespaceGoing) {
  const auto after = [](int status, const std::string& space) {
    return After(Answers{.body = Answer(), .space_status = status, .space = space});
  };
  EXPECT_EQ(after(200, kSpace), "");
  EXPECT_THAT(after(200, R"({"kind":"Namespace","metadata":{"name":"telemetry",)"
                         R"("deletionTimestamp":"2026-01-01T00:00:00Z"}})"),
              HasSubstr("with its namespace"));
  EXPECT_THAT(after(404, ""), HasSubstr("with its namespace"));
  for (const int status : {401, 403, 500})
    EXPECT_THAT(after(status, ""), HasSubstr("is not known"));
  EXPECT_THAT(after(200, Answer()), HasSubstr("is not known"));
  EXPECT_THAT(After({.body = Answer(), .space_status = 0}, 500ms), HasSubstr("is not known"));
}

TEST(SuccessorTest, ComesNotWhereItWouldTakeNothingOver) {
  EXPECT_THAT(After(200, Answer("", "OTHER")), HasSubstr("take nothing over"));
}

TEST(SuccessorTest, MayNotComeWhereOtherNodesAreAskedFor) {
  EXPECT_THAT(After(200, Answer("", "WIRESPAN_DAEMONSET", R"("disk":"ssd")")),
              HasSubstr("disk=ssd"));
  EXPECT_EQ(After(200, Answer("", "WIRESPAN_DAEMONSET", "")), "") << "all nodes are asked for";
}

TEST(SuccessorTest, IsNotExpectedWhereTheAnswerSaysNothing) {
  for (const int status : {401, 403, 429, 500, 503, 302}) {
    EXPECT_THAT(After(status, R"({"kind":"Status","message":"for a reason"})"),
                AllOf(HasSubstr("is not known"), HasSubstr(std::to_string(status)),
                      HasSubstr("for a reason")));
  }
  const std::string whole = Answer();
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("[]"), std::string("{}"),
        std::string(R"({"kind":"Status"})"), whole.substr(0, whole.size() - 1), whole + whole,
        std::string(R"({"kind":"DaemonSet","metadata":{"name":"other"}})")}) {
    EXPECT_THAT(After(200, body), HasSubstr("is not known")) << body;
  }
}

TEST(SuccessorTest, IsNotWaitedForLong) {
  EXPECT_THAT(After({.status = 0}, 200ms), HasSubstr("is not known"));
  DaemonSetSeen seen;
  const auto refused = AskForDaemonSet({.server = "http://127.0.0.1:1"}, kOwn, 20s, seen);
  EXPECT_THAT(WhyNobodyComes(kOwn, refused, seen), HasSubstr("is not known"));
}

TEST(SuccessorTest, IsNotExpectedWithoutAToken) {
  DaemonSetSeen seen;
  const auto asked = AskForDaemonSet(
      {.server = "http://127.0.0.1:1", .token_file = "/no/such/token"}, kOwn, 20s, seen);
  EXPECT_EQ(asked.failure, Failure::kCredentials);
  EXPECT_THAT(WhyNobodyComes(kOwn, asked, seen), HasSubstr("/no/such/token"));
}

std::string Why(
    const KubernetesConfig& config, const std::map<std::string, std::string>& variables,
    const std::function<void()>& meanwhile = [] {}) {
  return WhyNobodyComes(
      config,
      [&](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
      },
      meanwhile);
}

TEST(SuccessorTest, IsExpectedOutsideOfPodsWithoutAsking) { EXPECT_EQ(Why({}, {}), ""); }

TEST(SuccessorTest, IsNotExpectedInAPodOfNoDaemonSet) {
  EXPECT_THAT(Why({}, {{"KUBERNETES_SERVICE_HOST", "127.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "1"}}),
              HasSubstr("WIRESPAN_DAEMONSET"));
  EXPECT_THAT(Why({}, {{"WIRESPAN_DAEMONSET", "a"}}), HasSubstr("POD_NAMESPACE"));
  EXPECT_THAT(Why({.enabled = "off"}, {{"WIRESPAN_DAEMONSET", "a"}, {"POD_NAMESPACE", "b"}}),
              HasSubstr("kubernetes.enabled"));
}

TEST(SuccessorTest, IsAskedForWhileTheRingsAreRead) {
  const Server never({.status = 0});
  int read = 0;
  EXPECT_THAT(Why({.server = never.url()},
                  {{"WIRESPAN_DAEMONSET", "wirespan-agent"}, {"POD_NAMESPACE", "telemetry"}},
                  [&] { ++read; }),
              HasSubstr("stays is not known"));
  EXPECT_GT(read, 1);
}

TEST(SuccessorTest, TheVariablesAreRead) {
  const auto of = [](const std::string& selector) {
    return OwnDaemonSetOf([&](const char* name) -> const char* {
             return std::string_view(name) == "WIRESPAN_NODE_SELECTOR" ? selector.c_str() : nullptr;
           })
        .node_selector;
  };
  EXPECT_THAT(of("kubernetes.io/os=linux,disk="),
              ::testing::ElementsAre("kubernetes.io/os=linux", "disk="));
  EXPECT_THAT(of(",,a=b,"), ::testing::ElementsAre("a=b"));
  EXPECT_TRUE(of("").empty());
}

}  // namespace
}  // namespace wirespan::app
