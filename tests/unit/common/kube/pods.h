#pragma once

#include <string>
#include <string_view>

#include "common/kube/object_stream.h"
#include "common/kube/pod.h"

namespace wirespan::kube::testing {

// A pod in JSON, with what an API server sends beside what we want.
struct PodText {
  std::string name = "cart-7d9c6b5f4-x2x9p";
  std::string name_space = "shop";
  std::string uid = "11111111-2222-3333-4444-555555555555";
  std::string node = "n1";
  std::string labels = R"("app.kubernetes.io/name":"cart","pod-template-hash":"7d9c6b5f4")";
  std::string annotations = R"("kubectl.example/last-applied":"{\"kind\":\"Pod\"}")";
  std::string owner_kind = "ReplicaSet";
  std::string owner_name = "cart-7d9c6b5f4";
  std::string owner_uid{};
  std::string created = "2026-11-28T10:00:00Z";
  std::string spec_containers = R"({"name":"app","image":"registry.example:5000/cart:1.4"})";
  std::string more_spec{};  // ,"hostNetwork":true
  std::string statuses = R"({"name":"app","containerID":"containerd://aaaa","ready":true})";
  std::string more_status{};
  std::string ip = "10.1.0.7";
  std::string version = "100";

  std::string text() const {
    std::string owner;
    if (!owner_kind.empty())
      owner = R"(,"ownerReferences":[{"apiVersion":"x/v1","kind":")" + owner_kind +
              R"(","name":")" + owner_name + R"(","uid":")" + owner_uid +
              R"(","controller":true,"blockOwnerDeletion":true}])";
    return R"({"metadata":{"name":")" + name + R"(","generateName":"x-","namespace":")" +
           name_space + R"(","uid":")" + uid + R"(","resourceVersion":")" + version +
           R"(","creationTimestamp":")" + created + R"(","labels":{)" + labels +
           R"(},"annotations":{)" + annotations + "}" + owner +
           R"(,"managedFields":[{"manager":"kubelet","fieldsV1":{"f:metadata":{"f:name":{}}}}]},)" +
           R"("spec":{"nodeName":")" + node + R"(","containers":[)" + spec_containers + "]" +
           more_spec + R"(},"status":{"phase":"Running","podIP":")" + ip +
           R"(","podIPs":[{"ip":")" + ip + R"("}],"startTime":"2026-11-28T10:00:01Z",)" +
           R"("conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[)" + statuses +
           "]" + more_status + "}}";
  }
};

inline Object ObjectOf(std::string_view pod_json) {
  Projection projection;
  for (const std::string& field : PodFields()) projection.Add(field);
  Object out;
  ObjectStream stream(projection, "", [&](Object& object) {
    out = object;
    return true;
  });
  if (!stream.Feed(pod_json) || !stream.whole()) out.Clear();
  return out;
}

inline std::string ListOf(std::string_view pods, std::string_view version) {
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")" +
         std::string(version) + R"("},"items":[)" + std::string(pods) + "]}";
}

inline std::string EventOf(std::string_view type, std::string_view object) {
  return R"({"type":")" + std::string(type) + R"(","object":)" + std::string(object) + "}\n";
}

}  // namespace wirespan::kube::testing
