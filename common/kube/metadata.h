#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/pod.h"
#include "common/kube/projection.h"

// What is kept of an object that pods refer to: a namespace, a node, a Deployment, a Job. What all
// objects have is enough, so servers are asked for that alone.
namespace wirespan::kube {

struct Metadata {
  std::string uid{};
  std::string name{};
  // Who made it: a ReplicaSet's Deployment, a Job's CronJob. Empty: nobody.
  std::string owner_kind{};
  std::string owner_uid{};
  TextPairs labels{};  // those asked for
  TextPairs annotations{};
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

struct MetadataOptions {
  // Those to keep; empty: none.
  std::function<bool(std::string_view key)> labels{};
  std::function<bool(std::string_view key)> annotations{};
};

// Accept of a request for objects without spec and status; servers that don't know how (before
// 1.15) send them whole.
inline constexpr std::string_view kAcceptMetadata =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
inline constexpr std::string_view kAcceptMetadataOfWatch =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

// The wanted fields, for a watch; the numbers that MetadataOf reads by.
const std::vector<std::string>& MetadataFields();

// nullopt: without uid or name it is no object.
std::optional<Metadata> MetadataOf(const Object& object, const MetadataOptions& options);

}  // namespace wirespan::kube
