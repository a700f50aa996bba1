#include "common/kube/metadata.h"

#include "common/kube/bounds.h"

namespace wirespan::kube {
namespace {

enum MetadataField : std::size_t {
  kUid,
  kName,
  kLabel,
  kAnnotation,
  kOwnerKind,
  kOwnerUid,
  kOwnerController,
  kFields,
};

}  // namespace

const std::vector<std::string>& MetadataFields() {
  static const std::vector<std::string> fields = [] {
    std::vector<std::string> all(kFields);
    all[kUid] = "metadata.uid";
    all[kName] = "metadata.name";
    all[kLabel] = "metadata.labels.*";
    all[kAnnotation] = "metadata.annotations.*";
    all[kOwnerKind] = "metadata.ownerReferences[].kind";
    all[kOwnerUid] = "metadata.ownerReferences[].uid";
    all[kOwnerController] = "metadata.ownerReferences[].controller";
    return all;
  }();
  return fields;
}

std::optional<Metadata> MetadataOf(const Object& object, const MetadataOptions& options) {
  Metadata meta;
  std::optional<std::uint32_t> controller;  // an object has one at most
  for (const Field& field : object.fields) {
    if (field.path == kOwnerController && field.value == "true") controller = field.item;
  }
  for (const Field& field : object.fields) {
    switch (field.path) {
      case kUid:
        meta.uid = Bounded(field.value, kMaxNameBytes);
        break;
      case kName:
        meta.name = Bounded(field.value, kMaxNameBytes);
        break;
      case kLabel:
        if (options.labels && options.labels(field.key)) AddPair(meta.labels, field);
        break;
      case kAnnotation:
        if (options.annotations && options.annotations(field.key)) AddPair(meta.annotations, field);
        break;
      case kOwnerKind:
        if (field.item == controller) meta.owner_kind = Bounded(field.value, kMaxNameBytes);
        break;
      case kOwnerUid:
        if (field.item == controller) meta.owner_uid = Bounded(field.value, kMaxNameBytes);
        break;
      default:
        break;  // the watch's own
    }
  }
  if (meta.uid.empty() || meta.name.empty()) return std::nullopt;
  return meta;
}

}  // namespace wirespan::kube
