#include "gateway/pipeline/k8s_attributes_processor.h"

#include <algorithm>
#include <utility>

#include "gateway/pipeline/any_value.h"
#include "gateway/pipeline/attribute_list.h"
#include "gateway/pipeline/metadata.h"

namespace wirespan::gateway {

namespace {

using otlp::Place;
using otlp::Verdict;

constexpr std::string_view kPeerPrefix = "wirespan.peer.";

AttributeList& Scratch() {
  thread_local AttributeList list;
  return list;
}

// What a resource says itself stays, unless it is nothing.
void PutIfEmpty(AttributeList& attributes, std::string_view key, std::string_view value) {
  if (const auto* found = attributes.Find(key)) {
    const AnyValue old = ParseAnyValue(found->value);
    const bool nothing = old.kind == AnyValue::Kind::kEmpty ||
                         (old.kind == AnyValue::Kind::kString && old.bytes.empty());
    if (!nothing) return;
  }
  std::string message;
  AppendAnyValue(message, AnyValue::String(value));
  attributes.Put(attributes.arena().Keep(key), attributes.arena().Keep(message));
}

// Fixed64 field 7 of a span: when it began.
std::uint64_t StartOf(std::string_view span) {
  otlp::Reader reader(span);
  for (otlp::Field field; reader.Next(field);) {
    if (field.Is(7, otlp::WireType::kFixed64)) return field.value;
  }
  return 0;
}

}  // namespace

class PodEditor : public otlp::MessageEditor {
 public:
  PodEditor(const K8sAttributesProcessor& owner, const Batch& batch)
      : owner_(owner), options_(owner.options_), signal_(batch.signal) {
    const auto* peers = batch.metadata == nullptr ? nullptr : batch.metadata->Find(kPeerKey);
    if (peers != nullptr && peers->size() == 1) connection_ = peers->front();
  }

  Verdict OnResource(std::string_view resource, otlp::Writer& out) override {
    AttributeList& attributes = Scratch();
    if (!attributes.Read(resource, 1)) return Verdict::kKeep;
    const bool observed = TextOf(attributes, "telemetry.sdk.name") == "wirespan";
    auto found = FindPod(options_.associations, owner_.cluster_.pods.get(), attributes,
                         observed ? std::string_view() : connection_);
    if (found.pod != nullptr && IsExcluded(*found.pod)) {
      found.pod = nullptr;
      found.outcome = AssociationOutcome::kUnknown;
    }
    owner_.resources_[static_cast<std::size_t>(found.outcome)]->Add();
    if (found.by_connection && (options_.passthrough || Extracts("k8s.pod.ip"))) {
      PutIfEmpty(attributes, "k8s.pod.ip", connection_);
    }
    if (found.pod != nullptr) {
      const kube::PodContainer* container = ContainerOf(
          *found.pod, TextOf(attributes, "k8s.container.name"), TextOf(attributes, "container.id"));
      ForEachPodAttribute(*found.pod, container, options_.extract,
                          [&](std::string_view key, std::string_view value) {
                            PutIfEmpty(attributes, key, value);
                          });
    }
    if (owner_.around_) PutAround(attributes, found.pod.get());
    if (!attributes.changed()) return Verdict::kKeep;
    attributes.Write(out);
    return Verdict::kReplace;
  }

  bool wants_items() const override {
    return options_.extract.peers && signal_ == Signal::kTraces && owner_.cluster_.pods != nullptr;
  }

  // Whose address the span's other end has; as of its begin, because addresses are reused.
  Verdict OnItem(const Place&, std::string_view span, otlp::Writer& out) override {
    AttributeList& attributes = Scratch();
    if (!attributes.Read(span, 9)) return Verdict::kKeep;
    std::string_view address = TextOf(attributes, "network.peer.address");
    if (address.empty()) address = TextOf(attributes, "client.address");
    AssociationOutcome outcome = AssociationOutcome::kUnnamed;
    if (!address.empty()) {
      const std::uint64_t start_ns = StartOf(span);
      const auto pod =
          start_ns == 0 ? nullptr : owner_.cluster_.pods->FindByAddress(address, start_ns);
      outcome = pod == nullptr ? AssociationOutcome::kUnknown : AssociationOutcome::kFound;
      if (pod != nullptr) PutPeer(attributes, *pod);
    }
    owner_.peers_[static_cast<std::size_t>(outcome)]->Add();
    if (!attributes.changed()) return Verdict::kKeep;
    attributes.Write(out);
    return Verdict::kReplace;
  }

 private:
  bool Extracts(std::string_view name) const {
    const auto& names = options_.extract.metadata;
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  bool IsExcluded(const kube::Pod& pod) const {
    if (kube::FindText(pod.annotations, kIgnoreAnnotation) == "true") return true;
    return std::any_of(options_.excluded.begin(), options_.excluded.end(),
                       [&](const Pattern& pattern) { return pattern.Matches(pod.name); });
  }

  void PutAround(AttributeList& attributes, const kube::Pod* pod) {
    ClusterOrigin origin{.pod = pod};
    // What the resource says has lasted until here; a pod's own names may not have been put.
    origin.name_space = TextOf(attributes, "k8s.namespace.name");
    origin.node = TextOf(attributes, "k8s.node.name");
    if (pod != nullptr) {
      origin.name_space = pod->name_space;
      origin.node = pod->node;
    }
    ForEachClusterAttribute(
        owner_.cluster_, origin, options_.extract,
        [&](std::string_view key, std::string_view value) { PutIfEmpty(attributes, key, value); });
  }

  static void PutPeer(AttributeList& attributes, const kube::Pod& pod) {
    const auto put = [&](std::string_view name, std::string_view value) {
      if (name.empty() || value.empty()) return;
      PutIfEmpty(attributes, std::string(kPeerPrefix).append(name), value);
    };
    put("k8s.namespace.name", pod.name_space);
    put("k8s.pod.name", pod.name);
    put(WorkloadKey(pod.workload.kind), pod.workload.name);
  }

  const K8sAttributesProcessor& owner_;
  const K8sAttributesOptions& options_;
  const Signal signal_;
  std::string_view connection_{};  // the batch's metadata owns it
};

K8sAttributesProcessor::K8sAttributesProcessor(std::string id, K8sAttributesOptions options,
                                               ClusterView cluster, Consumer& next,
                                               telemetry::Registry& registry)
    : EditProcessor(std::move(id), "", next),
      options_(std::move(options)),
      cluster_(std::move(cluster)),
      around_(!KindsFor(options_.extract).empty()) {
  const auto counters = [&](const char* name, const char* help) {
    Counters all{};
    std::size_t i = 0;
    for (const char* outcome : {"found", "unnamed", "unknown"}) {
      all[i++] = &registry.counter(name, help, {{"processor", id_}, {"outcome", outcome}});
    }
    return all;
  };
  resources_ = counters("wirespan_processor_k8sattributes_resources_total",
                        "Resources, by what was found of their pod");
  peers_ = counters("wirespan_processor_k8sattributes_peers_total",
                    "Spans, by what was found of their peer's address");
}

std::unique_ptr<otlp::MessageEditor> K8sAttributesProcessor::Begin(const Batch& batch) {
  return std::make_unique<PodEditor>(*this, batch);
}

}  // namespace wirespan::gateway
