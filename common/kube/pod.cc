#include "common/kube/pod.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "common/base/strings.h"
#include "common/kube/bounds.h"

namespace wirespan::kube {
namespace {

constexpr std::size_t kMaxContainers = 64;
constexpr std::size_t kMaxAddresses = 8;
constexpr std::string_view kResourceAnnotation = "resource.opentelemetry.io/";

enum PodField : std::size_t {
  kUid,
  kName,
  kNamespace,
  kCreated,
  kLabel,
  kAnnotation,
  kOwnerKind,
  kOwnerName,
  kOwnerUid,
  kOwnerController,
  kNode,
  kHostNetwork,
  kHostname,
  kSpecContainer,
  kSpecImage,
  kSpecInit,
  kSpecEphemeral,
  kStatusName,
  kStatusId,
  kInitStatusName,
  kInitStatusId,
  kEphemeralStatusName,
  kEphemeralStatusId,
  kIp,
  kIps,
  kStart,
  kPhase,
  kFields,
};

bool Wanted(const PodOptions& options, std::string_view key) {
  return key.starts_with(kResourceAnnotation) || options.annotations.Matches(key) ||
         (options.more_annotations && options.more_annotations(key));
}

// "containerd://4f3a..." -> "4f3a...".
std::string_view WithoutRuntime(std::string_view id) {
  const std::size_t at = id.find("://");
  return at == std::string_view::npos ? id : id.substr(at + 3);
}

// The values of one list's elements, by their number.
struct Elements {
  std::vector<std::string_view> values{};
  void Set(const Field& field) {
    if (field.item >= kMaxContainers) return;
    if (values.size() <= field.item) values.resize(field.item + 1);
    values[field.item] = field.value;
  }
  std::string_view At(std::size_t item) const {
    return item < values.size() ? values[item] : std::string_view();
  }
};

// The scheduled time in a Job's name is near the pod's birth: not long after it, and not before it
// by more than a Job that waits for room or is retried does.
bool IsScheduledTime(std::string_view digits, std::int64_t created) {
  constexpr std::int64_t kEarly = 600, kLate = 30 * 86400;
  const auto number = ParseInt(digits);
  if (!number || *number < 0) return false;
  std::int64_t scheduled = *number;
  if (digits.size() == 8) {
    scheduled *= 60;
  } else if (digits.size() != 10) {
    return false;
  }
  return created >= scheduled - kEarly && created <= scheduled + kLate;
}

}  // namespace

std::string_view FindText(const TextPairs& pairs, std::string_view key) {
  for (const auto& [known, value] : pairs) {
    if (known == key) return value;
  }
  return {};
}

std::string_view ImageTag(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  if (colon == std::string_view::npos) return {};
  if (slash != std::string_view::npos && colon < slash) return {};  // a registry's port
  return image.substr(colon + 1);
}

std::optional<std::int64_t> ParseTime(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kForm.size() + 1 || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    return static_cast<int>(ParseUint(text.substr(at, size)).value_or(0));
  };
  using namespace std::chrono;
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60)
    return std::nullopt;
  return sys_days(date).time_since_epoch() / seconds(1) + number(11, 2) * 3600 +
         number(14, 2) * 60 + number(17, 2);
}

Workload WorkloadOf(std::string_view owner_kind, std::string_view owner_name,
                    std::string_view template_hash, std::string_view created) {
  if (owner_name.empty()) return {};
  const std::string name = Bounded(owner_name, kMaxNameBytes);
  if (owner_kind == "ReplicaSet") {
    if (!template_hash.empty() && owner_name.size() > template_hash.size() + 1 &&
        owner_name.ends_with(template_hash)) {
      const std::string_view head = owner_name.substr(0, owner_name.size() - template_hash.size());
      if (head.ends_with('-'))
        return {WorkloadKind::kDeployment, std::string(head.substr(0, head.size() - 1)), name};
    }
    return {WorkloadKind::kReplicaSet, name, {}};
  }
  if (owner_kind == "Job") {
    const std::size_t dash = owner_name.rfind('-');
    const auto born = ParseTime(created);
    if (dash != std::string_view::npos && dash > 0 && born &&
        IsScheduledTime(owner_name.substr(dash + 1), *born))
      return {WorkloadKind::kCronJob, std::string(owner_name.substr(0, dash)), name};
    return {WorkloadKind::kJob, name, {}};
  }
  if (owner_kind == "StatefulSet") return {WorkloadKind::kStatefulSet, name, {}};
  if (owner_kind == "DaemonSet") return {WorkloadKind::kDaemonSet, name, {}};
  if (owner_kind == "ReplicationController")
    return {WorkloadKind::kReplicationController, name, {}};
  return {};
}

const std::vector<std::string>& PodFields() {
  static const std::vector<std::string> fields = [] {
    std::vector<std::string> all(kFields);
    all[kUid] = "metadata.uid";
    all[kName] = "metadata.name";
    all[kNamespace] = "metadata.namespace";
    all[kCreated] = "metadata.creationTimestamp";
    all[kLabel] = "metadata.labels.*";
    all[kAnnotation] = "metadata.annotations.*";
    all[kOwnerKind] = "metadata.ownerReferences[].kind";
    all[kOwnerName] = "metadata.ownerReferences[].name";
    all[kOwnerUid] = "metadata.ownerReferences[].uid";
    all[kOwnerController] = "metadata.ownerReferences[].controller";
    all[kNode] = "spec.nodeName";
    all[kHostNetwork] = "spec.hostNetwork";
    all[kHostname] = "spec.hostname";
    all[kSpecContainer] = "spec.containers[].name";
    all[kSpecImage] = "spec.containers[].image";
    all[kSpecInit] = "spec.initContainers[].name";
    all[kSpecEphemeral] = "spec.ephemeralContainers[].name";
    all[kStatusName] = "status.containerStatuses[].name";
    all[kStatusId] = "status.containerStatuses[].containerID";
    all[kInitStatusName] = "status.initContainerStatuses[].name";
    all[kInitStatusId] = "status.initContainerStatuses[].containerID";
    all[kEphemeralStatusName] = "status.ephemeralContainerStatuses[].name";
    all[kEphemeralStatusId] = "status.ephemeralContainerStatuses[].containerID";
    all[kIp] = "status.podIP";
    all[kIps] = "status.podIPs[].ip";
    all[kStart] = "status.startTime";
    all[kPhase] = "status.phase";
    return all;
  }();
  return fields;
}

std::optional<Pod> PodOf(const Object& object, const PodOptions& options) {
  Pod pod;
  std::array<Elements, kFields> lists;
  std::string_view created;
  bool more_than_containers = false;
  const auto address = [&](const std::string& ip) {
    if (ip.empty() || pod.addresses.size() >= kMaxAddresses || ip.size() > 64) return;
    if (std::find(pod.addresses.begin(), pod.addresses.end(), ip) == pod.addresses.end())
      pod.addresses.push_back(ip);
  };
  for (const Field& field : object.fields) {
    if (field.path >= kFields) continue;  // the watch's own
    switch (static_cast<PodField>(field.path)) {
      case kUid:
        pod.uid = Bounded(field.value, kMaxNameBytes);
        break;
      case kName:
        pod.name = Bounded(field.value, kMaxNameBytes);
        break;
      case kNamespace:
        pod.name_space = Bounded(field.value, kMaxNameBytes);
        break;
      case kCreated:
        created = field.value;
        break;
      case kLabel:
        AddPair(pod.labels, field);
        break;
      case kAnnotation:
        if (field.key == "kubernetes.io/config.hash")
          pod.static_uid = Bounded(field.value, kMaxNameBytes);
        if (Wanted(options, field.key)) AddPair(pod.annotations, field);
        break;
      case kNode:
        pod.node = Bounded(field.value, kMaxNameBytes);
        break;
      case kHostname:
        pod.hostname = Bounded(field.value, kMaxNameBytes);
        break;
      case kHostNetwork:
        pod.host_network = field.value == "true";
        break;
      case kSpecInit:
      case kSpecEphemeral:
        more_than_containers = true;
        break;
      case kIp:
      case kIps:
        address(field.value);
        break;
      case kStart:
        if (ParseTime(field.value)) pod.start_time = field.value;
        break;
      case kPhase:
        pod.ended = field.value == "Succeeded" || field.value == "Failed";
        break;
      case kFields:
        break;
      default:
        lists[field.path].Set(field);
    }
  }
  if (pod.uid.empty() || pod.name.empty() || pod.name_space.empty()) return std::nullopt;

  const auto image = [&](std::string_view name) {
    const auto& names = lists[kSpecContainer].values;
    const auto at = std::find(names.begin(), names.end(), name);
    return Bounded(lists[kSpecImage].At(static_cast<std::size_t>(at - names.begin())),
                   kMaxValueBytes);
  };
  for (const auto& [names, ids] :
       {std::pair{kStatusName, kStatusId}, std::pair{kInitStatusName, kInitStatusId},
        std::pair{kEphemeralStatusName, kEphemeralStatusId}}) {
    for (std::size_t i = 0; i < lists[names].values.size(); ++i) {
      const std::string_view name = lists[names].At(i), id = WithoutRuntime(lists[ids].At(i));
      if (name.empty() || id.empty() || pod.containers.size() >= kMaxContainers) continue;
      pod.containers.push_back(
          {Bounded(name, kMaxNameBytes), Bounded(id, kMaxNameBytes), image(name)});
    }
  }
  const auto& specified = lists[kSpecContainer].values;
  // A list that was cut short may have had more.
  if (specified.size() == 1 && !more_than_containers && !object.cut) {
    pod.only_container = Bounded(specified.front(), kMaxNameBytes);
    if (pod.containers.empty() && !pod.only_container.empty())
      pod.containers.push_back({pod.only_container, {}, image(specified.front())});
  }
  const auto& controllers = lists[kOwnerController].values;
  for (std::size_t i = 0; i < controllers.size(); ++i) {
    if (controllers[i] != "true") continue;
    pod.workload = WorkloadOf(lists[kOwnerKind].At(i), lists[kOwnerName].At(i),
                              FindText(pod.labels, "pod-template-hash"), created);
    if (pod.workload.kind != WorkloadKind::kNone)
      pod.workload.owner_uid = Bounded(lists[kOwnerUid].At(i), kMaxNameBytes);
    break;
  }
  if (options.labels)
    std::erase_if(pod.labels, [&](const auto& one) { return !options.labels(one.first); });
  return pod;
}

}  // namespace wirespan::kube
