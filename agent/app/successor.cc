#include "agent/app/successor.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "agent/app/kubernetes.h"
#include "common/kube/object_stream.h"

namespace wirespan::app {
namespace {

constexpr const char* kNameVariable = "WIRESPAN_DAEMONSET";
// A part of what terminationGracePeriodSeconds leaves for a stop (30 s in the chart).
constexpr std::chrono::milliseconds kAnswerTime{2000};
constexpr std::chrono::milliseconds kMeanwhile{10};
constexpr std::size_t kMaxAnswer = 8u << 20;  // etcd holds no object above 1.5 MiB

std::string ValueOf(const kube::Variables& variables, const char* name) {
  const char* value = variables(name);
  return value != nullptr ? value : "";
}

// What is read of any object, by its numbers.
struct Reading {
  kube::Projection projection{};
  std::size_t kind = projection.Add("kind");
  std::size_t name = projection.Add("metadata.name");
  std::size_t deleted = projection.Add("metadata.deletionTimestamp");
};

struct DaemonSetReading : Reading {
  std::size_t variable = projection.Add("spec.template.spec.containers[].env[].name");
  std::size_t selector = projection.Add("spec.template.spec.nodeSelector.*");
};

// One object, of this kind and name.
kube::Outcome GetObject(kube::Requester& requester, const std::string& target,
                        const Reading& reading, std::string_view kind, std::string_view name,
                        std::chrono::milliseconds timeout, kube::Object& object) {
  kube::ObjectStream stream(reading.projection, "", [&](kube::Object& found) {
    object = std::move(found);
    return true;
  });
  std::size_t bytes = 0;
  kube::Outcome outcome = requester.Run({.target = target,
                                         .timeout = timeout,
                                         .quiet_limit = timeout,
                                         .on_piece =
                                             [&](std::string_view piece) {
                                               bytes += piece.size();
                                               return bytes <= kMaxAnswer && stream.Feed(piece);
                                             }},
                                        std::stop_token());
  if (outcome.failure != kube::Failure::kGarbage && !outcome.ok()) return outcome;
  if (!outcome.ok() || !stream.whole() || stream.documents() != 1 ||
      object.Get(reading.kind) != kind || object.Get(reading.name) != name)
    return {.failure = kube::Failure::kGarbage,
            .sentence = fmt::format("the answer is no {} {}", kind, name)};
  return outcome;
}

}  // namespace

OwnDaemonSet OwnDaemonSetOf(const kube::Variables& variables) {
  OwnDaemonSet own{.name = ValueOf(variables, kNameVariable),
                   .name_space = ValueOf(variables, "POD_NAMESPACE")};
  const std::string selector = ValueOf(variables, "WIRESPAN_NODE_SELECTOR");
  for (std::size_t begin = 0; begin < selector.size();) {
    const std::size_t end = std::min(selector.find(',', begin), selector.size());
    if (end > begin) own.node_selector.push_back(selector.substr(begin, end - begin));
    begin = end + 1;
  }
  return own;
}

kube::Outcome AskForDaemonSet(const kube::Access& access, const OwnDaemonSet& own,
                              std::chrono::milliseconds timeout, DaemonSetSeen& seen) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + timeout;
  const std::string space = kube::EscapeQuery(own.name_space);
  kube::Requester requester(access);
  const DaemonSetReading reading;
  kube::Object found;
  auto outcome = GetObject(
      requester,
      fmt::format("/apis/apps/v1/namespaces/{}/daemonsets/{}", space, kube::EscapeQuery(own.name)),
      reading, "DaemonSet", own.name, timeout, found);
  if (!outcome.ok()) return outcome;
  seen.deleting = !found.Get(reading.deleted).empty();
  for (const kube::Field& field : found.fields) {
    if (field.path == reading.variable && field.value == kNameVariable) seen.hands_over = true;
    if (field.path == reading.selector) seen.node_selector.push_back(field.key + "=" + field.value);
  }
  // After it: who deletes a namespace marks it before anything in it goes.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::max(deadline - steady_clock::now(), steady_clock::duration(1)));
  const Reading space_reading;
  kube::Object its_space;
  outcome = GetObject(requester, "/api/v1/namespaces/" + space, space_reading, "Namespace",
                      own.name_space, left, its_space);
  seen.space_deleting =
      outcome.failure == kube::Failure::kNotFound || !its_space.Get(space_reading.deleted).empty();
  return outcome.failure == kube::Failure::kNotFound ? kube::Outcome{} : outcome;
}

std::string WhyNobodyComes(const OwnDaemonSet& own, const kube::Outcome& asked,
                           const DaemonSetSeen& seen) {
  const std::string what = fmt::format("DaemonSet {}/{}", own.name_space, own.name);
  if (asked.failure == kube::Failure::kNotFound) return what + " is gone";
  if (!asked.ok()) return fmt::format("whether {} stays is not known: {}", what, asked.sentence);
  if (seen.deleting) return what + " is being deleted";
  if (seen.space_deleting) return what + " is being deleted with its namespace";
  if (!seen.hands_over) return what + " is now one whose agents take nothing over";
  for (const std::string& wanted : seen.node_selector) {
    if (std::ranges::find(own.node_selector, wanted) == own.node_selector.end())
      return fmt::format("{} now asks for nodes with {}, and this may be none", what, wanted);
  }
  return "";
}

std::string WhyNobodyComes(const KubernetesConfig& config, const kube::Variables& variables,
                           const std::function<void()>& meanwhile) {
  const OwnDaemonSet own = OwnDaemonSetOf(variables);
  if (own.name.empty()) {
    if (!kube::InClusterAccess(variables)) return "";
    return "this is a pod, and WIRESPAN_DAEMONSET names no DaemonSet whose next pod would come";
  }
  if (own.name_space.empty())
    return "POD_NAMESPACE does not say where DaemonSet " + own.name + " is";
  // The node's name, which a plan may lack, is of no use here.
  const KubernetesPlan plan = PlanKubernetes(config, variables);
  if (plan.access.server.empty())
    return fmt::format("whether DaemonSet {} stays can't be asked: {}", own.name, plan.why_not);
  auto answer = std::async(std::launch::async, [&] {
    DaemonSetSeen seen;
    const kube::Outcome asked = AskForDaemonSet(plan.access, own, kAnswerTime, seen);
    return WhyNobodyComes(own, asked, seen);
  });
  while (answer.wait_for(kMeanwhile) != std::future_status::ready) meanwhile();
  return answer.get();
}

}  // namespace wirespan::app
