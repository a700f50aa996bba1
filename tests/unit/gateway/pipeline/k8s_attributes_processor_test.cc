#include "gateway/pipeline/k8s_attributes_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/kube/pods.h"
#include "tests/unit/gateway/pipeline/collected.h"

namespace wirespan::gateway {
namespace {

using kube::testing::ObjectOf;
using kube::testing::PodText;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace proto = opentelemetry::proto;
using TraceRequest = proto::collector::trace::v1::ExportTraceServiceRequest;
using KeyValues = google::protobuf::RepeatedPtrField<proto::common::v1::KeyValue>;

constexpr const char* kUid = "11111111-2222-3333-4444-555555555555";

void Add(KeyValues& attributes, const std::string& key, const std::string& value) {
  auto& pair = *attributes.Add();
  pair.set_key(key);
  pair.mutable_value()->set_string_value(value);
}

std::vector<std::string> Show(const KeyValues& attributes) {
  std::vector<std::string> lines;
  for (const auto& pair : attributes)
    lines.push_back(pair.key() + "=" + pair.value().string_value());
  return lines;
}

PodAssociation By(const std::vector<std::string>& names) {
  PodAssociation association;
  for (const std::string& name : names) {
    association.sources.push_back({.connection = name == "connection", .name = name});
  }
  return association;
}

// One pod: shop/cart-7d9c6b5f4-x2x9p at 10.1.0.7 since 10:00:01.
class K8sAttributesTest : public ::testing::Test {
 protected:
  K8sAttributesTest() {
    text_.labels += R"(,"tier":"front","team.example/owner":"ann","team.example/pager":"bob")";
    text_.annotations = R"("build":"77","resource.opentelemetry.io/deployment.environment":"test")";
    options_.extract.metadata = {"k8s.pod.name"};
  }
  void Put(const PodText& text) {
    Object object = ObjectOf(text.text());
    directory_->OnObject(object);
  }
  using Object = kube::Object;

  // What comes out of a resource with these attributes and one span.
  TraceRequest Run(const std::vector<std::pair<std::string, std::string>>& resource,
                   const std::string& connection = "", const std::string& peer = "",
                   std::uint64_t start_s = 0) {
    TraceRequest request;
    auto& spans = *request.add_resource_spans();
    for (const auto& [key, value] : resource) {
      Add(*spans.mutable_resource()->mutable_attributes(), key, value);
    }
    auto& span = *spans.add_scope_spans()->add_spans();
    span.set_trace_id(std::string(16, '\1'));
    span.set_span_id(std::string(8, '\2'));
    span.set_start_time_unix_nano(start_s * 1'000'000'000);
    if (!peer.empty()) Add(*span.mutable_attributes(), "network.peer.address", peer);
    sent_ = request.SerializeAsString();
    Batch batch;
    batch.items = 1;
    batch.bytes = Bytes(sent_);
    if (!connection.empty()) {
      batch.metadata = std::make_shared<const Metadata>(
          std::vector<Metadata::Entry>{{.key = std::string(kPeerKey), .values = {connection}}});
    }
    Collected end;
    cluster_.pods = directory_;
    K8sAttributesProcessor processor("k8sattributes", options_, cluster_, end, registry_);
    processor.Consume(std::move(batch));
    TraceRequest out;
    EXPECT_EQ(end.size(), 1u);
    std::string storage;
    got_ = std::string(end.at(0).bytes.Contiguous(storage));
    EXPECT_TRUE(out.ParseFromString(got_));
    return out;
  }
  std::vector<std::string> Resource(
      const std::vector<std::pair<std::string, std::string>>& resource,
      const std::string& connection = "") {
    return Show(Run(resource, connection).resource_spans(0).resource().attributes());
  }
  double Counted(const char* outcome) {
    return registry_.Value("wirespan_processor_k8sattributes_resources_total",
                           {{"processor", "k8sattributes"}, {"outcome", outcome}});
  }

  wirespan::testing::FakeClock clock_;
  telemetry::Registry registry_;
  PodText text_;
  K8sAttributesOptions options_;
  std::shared_ptr<kube::PodDirectory> directory_ = std::make_shared<kube::PodDirectory>(
      kube::PodDirectoryOptions{.pods = {.more_annotations = [](auto) { return true; }}}, clock_,
      registry_);
  ClusterView cluster_;
  std::string sent_, got_;
};

// An object of a kind that is watched beside pods; `more` stands in its metadata.
std::shared_ptr<kube::MetadataDirectory> Known(const std::vector<std::string>& objects,
                                               const Clock& clock, telemetry::Registry& registry) {
  kube::Projection projection;
  for (const std::string& field : kube::MetadataFields()) projection.Add(field);
  const auto all = [](auto) { return true; };
  auto directory = std::make_shared<kube::MetadataDirectory>(
      kube::MetadataDirectoryOptions{.resource = "x",
                                     .objects = {.labels = all, .annotations = all}},
      clock, registry);
  kube::ObjectStream stream(projection, "", [&](kube::Object& object) {
    directory->OnObject(object);
    return true;
  });
  for (const std::string& object : objects) {
    EXPECT_TRUE(stream.Feed(R"({"metadata":{)" + object + "}}"));
  }
  return directory;
}

TEST_F(K8sAttributesTest, FindsThePodByTheConnectionWithoutAssociations) {
  Put(text_);
  options_.extract.metadata = {"k8s.namespace.name",  "k8s.pod.name",        "k8s.pod.uid",
                               "k8s.pod.start_time",  "k8s.deployment.name", "k8s.node.name",
                               "k8s.replicaset.name", "k8s.job.name",        "k8s.pod.ip"};
  EXPECT_THAT(Resource({{"service.name", "x"}}, "10.1.0.7"),
              ElementsAre("service.name=x", "k8s.pod.ip=10.1.0.7", "k8s.namespace.name=shop",
                          "k8s.pod.name=cart-7d9c6b5f4-x2x9p", std::string("k8s.pod.uid=") + kUid,
                          "k8s.pod.start_time=2026-11-28T10:00:01Z", "k8s.deployment.name=cart",
                          "k8s.node.name=n1", "k8s.replicaset.name=cart-7d9c6b5f4"));
  EXPECT_EQ(Counted("found"), 1);
}

TEST_F(K8sAttributesTest, WhatIsNotKnownChangesNoByte) {
  Put(text_);
  Run({{"service.name", "x"}}, "10.1.0.8");
  EXPECT_EQ(got_, sent_);
  Run({{"service.name", "x"}});
  EXPECT_EQ(got_, sent_);
  EXPECT_EQ(Counted("unknown"), 1);
  EXPECT_EQ(Counted("unnamed"), 1);
}

TEST_F(K8sAttributesTest, WhatTheResourceSaysItselfStays) {
  Put(text_);
  EXPECT_THAT(Resource({{"k8s.pod.name", "mine"}}, "10.1.0.7"), ElementsAre("k8s.pod.name=mine"));
  EXPECT_EQ(got_, sent_);
  EXPECT_THAT(Resource({{"k8s.pod.name", ""}}, "10.1.0.7"),
              ElementsAre("k8s.pod.name=cart-7d9c6b5f4-x2x9p"));
}

TEST_F(K8sAttributesTest, TheFirstAssociationWhoseSourcesAreThereDecides) {
  Put(text_);
  options_.associations = {By({"k8s.pod.uid"}), By({"k8s.pod.name", "k8s.namespace.name"}),
                           By({"connection"})};
  options_.extract.metadata = {"k8s.node.name"};
  EXPECT_THAT(Resource({{"k8s.pod.uid", kUid}}),
              ElementsAre(std::string("k8s.pod.uid=") + kUid, "k8s.node.name=n1"));
  // Another cluster's pod, sent from one of ours.
  Resource({{"k8s.pod.uid", "other"}}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);
  EXPECT_EQ(Resource({{"k8s.pod.name", text_.name}, {"k8s.namespace.name", "shop"}}).back(),
            "k8s.node.name=n1");
  Resource({{"k8s.pod.name", text_.name}, {"k8s.namespace.name", "other"}}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);
  // Without its namespace the name is not all of its association.
  EXPECT_EQ(Resource({{"k8s.pod.name", text_.name}}, "10.1.0.7").back(), "k8s.node.name=n1");
}

TEST_F(K8sAttributesTest, AllSourcesMustAgree) {
  Put(text_);
  options_.associations = {By({"connection", "k8s.deployment.name"})};
  EXPECT_EQ(Resource({{"k8s.deployment.name", "cart"}}, "10.1.0.7").size(), 2u);
  Resource({{"k8s.deployment.name", "web"}}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);
}

TEST_F(K8sAttributesTest, TheAgentsConnectionSaysNothingOfWhatItObserved) {
  Put(text_);
  Resource({{"telemetry.sdk.name", "wirespan"}, {"service.name", "sshd"}}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);
  options_.associations = {By({"k8s.pod.uid"}), By({"connection"})};
  EXPECT_EQ(
      Resource({{"telemetry.sdk.name", "wirespan"}, {"k8s.pod.uid", kUid}}, "10.9.9.9").back(),
      "k8s.pod.name=cart-7d9c6b5f4-x2x9p");
}

TEST_F(K8sAttributesTest, PassthroughKnowsTheAddressAlone) {
  options_.passthrough = true;
  directory_ = nullptr;
  EXPECT_THAT(Resource({{"a", "b"}}, "10.1.0.7"), ElementsAre("a=b", "k8s.pod.ip=10.1.0.7"));
  EXPECT_THAT(Resource({{"k8s.pod.ip", "10.1.0.1"}}, "10.1.0.7"),
              ElementsAre("k8s.pod.ip=10.1.0.1"));
}

TEST_F(K8sAttributesTest, TakesLabelsAndAnnotationsByRule) {
  Put(text_);
  options_.extract.metadata = {};
  options_.extract.labels.push_back({.key = "tier"});
  options_.extract.labels.push_back({.key = "tier", .tag_name = "my.tier"});
  options_.extract.labels.push_back({.key = "absent", .tag_name = "x"});
  options_.extract.labels.push_back(
      {.key_pattern = *Pattern::Compile("^(?:team.example/(?P<w>.*))$"), .tag_name = "$1.${w}.$$"});
  options_.extract.annotations.push_back({.key_pattern = *Pattern::Compile("^(?:b.*)$")});
  options_.extract.otel_annotations = true;
  EXPECT_THAT(
      Resource({}, "10.1.0.7"),
      ElementsAre("deployment.environment=test", "k8s.pod.labels.tier=front", "my.tier=front",
                  "owner.owner.$=ann", "pager.pager.$=bob", "k8s.pod.annotations.build=77"));
}

TEST_F(K8sAttributesTest, NamesContainersAndServices) {
  text_.spec_containers =
      R"({"name":"app","image":"registry.example:5000/cart:1.4"},{"name":"log","image":"log"})";
  text_.statuses =
      R"({"name":"app","containerID":"containerd://aa"},{"name":"log","containerID":"x://bb"})";
  Put(text_);
  options_.extract.metadata = {"k8s.container.name",  "container.id",       "container.image.name",
                               "container.image.tag", "service.namespace",  "service.name",
                               "service.version",     "service.instance.id"};
  EXPECT_THAT(
      Resource({{"container.id", "aa"}}, "10.1.0.7"),
      ElementsAre("container.id=aa", "k8s.container.name=app",
                  "container.image.name=registry.example:5000/cart", "container.image.tag=1.4",
                  "service.namespace=shop", "service.name=cart", "service.version=1.4",
                  "service.instance.id=shop.cart-7d9c6b5f4-x2x9p.app"));
  EXPECT_THAT(Resource({{"k8s.container.name", "log"}}, "10.1.0.7"),
              ElementsAre("k8s.container.name=log", "container.id=bb", "container.image.name=log",
                          "service.namespace=shop", "service.name=cart",
                          "service.instance.id=shop.cart-7d9c6b5f4-x2x9p.log"));
  // Which of two it is can't be told.
  EXPECT_THAT(Resource({}, "10.1.0.7"), ElementsAre("service.namespace=shop", "service.name=cart"));
}

TEST_F(K8sAttributesTest, TakesFromNamespaceAndNode) {
  Put(text_);
  const auto put = [&](KubeKind kind, const std::vector<std::string>& objects) {
    cluster_.others[static_cast<std::size_t>(kind)] = Known(objects, clock_, registry_);
  };
  put(KubeKind::kNamespace,
      {R"("uid":"ns-1","name":"shop","labels":{"team":"a"},"annotations":{"cost/center":"7"})",
       R"("uid":"cl-1","name":"kube-system")"});
  put(KubeKind::kNode, {R"("uid":"no-1","name":"n1","labels":{"zone":"z1"})"});
  options_.extract.metadata = {"k8s.node.uid", "k8s.cluster.uid"};
  options_.extract.labels = {{.key = "team", .from = KubeKind::kNamespace},
                             {.key = "zone", .tag_name = "zone", .from = KubeKind::kNode},
                             {.key = "tier"}};
  options_.extract.annotations = {{.key_pattern = *Pattern::Compile("^(?:cost/(.*))$"),
                                   .tag_name = "$1",
                                   .from = KubeKind::kNamespace}};
  EXPECT_THAT(Resource({}, "10.1.0.7"),
              ElementsAre("k8s.pod.labels.tier=front", "k8s.node.uid=no-1", "k8s.cluster.uid=cl-1",
                          "k8s.namespace.labels.team=a", "center=7", "zone=z1"));
  // Whose pod is not known, but that says where it is; of the cluster nothing is certain then.
  EXPECT_THAT(Resource({{"k8s.namespace.name", "shop"}, {"k8s.node.name", "n1"}}),
              ElementsAre("k8s.namespace.name=shop", "k8s.node.name=n1", "k8s.node.uid=no-1",
                          "k8s.namespace.labels.team=a", "center=7", "zone=z1"));
  Resource({{"k8s.namespace.name", "other"}});
  EXPECT_EQ(got_, sent_);
}

TEST_F(K8sAttributesTest, TakesFromOwners) {
  const auto put = [&](KubeKind kind, const std::vector<std::string>& objects) {
    cluster_.others[static_cast<std::size_t>(kind)] = Known(objects, clock_, registry_);
  };
  const std::string by = R"(,"ownerReferences":[{"kind":"Other","uid":"o"},{"kind":")";
  const std::string controller = R"(","controller":true}])";
  text_.owner_uid = "rs-1";
  Put(text_);
  put(KubeKind::kReplicaSet,
      {R"("uid":"rs-1","name":"cart-7d9c6b5f4")" + by + R"(Deployment","uid":"de-1)" + controller});
  put(KubeKind::kDeployment, {R"("uid":"de-1","name":"cart","labels":{"owner":"ann"})"});
  options_.extract.metadata = {"k8s.deployment.uid", "k8s.cronjob.uid"};
  options_.extract.labels = {{.key = "owner", .from = KubeKind::kDeployment},
                             {.key = "owner", .from = KubeKind::kStatefulSet}};
  EXPECT_THAT(Resource({}, "10.1.0.7"),
              ElementsAre("k8s.deployment.uid=de-1", "k8s.deployment.labels.owner=ann"));
  // Named as by a Deployment, owned by something else.
  put(KubeKind::kReplicaSet,
      {R"("uid":"rs-1","name":"cart-7d9c6b5f4")" + by + R"(Rollout","uid":"ro-1)" + controller});
  Resource({}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);

  text_.owner_kind = "StatefulSet";
  text_.owner_name = "cart";
  text_.owner_uid = "st-1";
  Put(text_);
  put(KubeKind::kStatefulSet, {R"("uid":"st-1","name":"cart","labels":{"owner":"bob"})"});
  EXPECT_THAT(Resource({}, "10.1.0.7"), ElementsAre("k8s.statefulset.labels.owner=bob"));

  text_.owner_kind = "Job";
  text_.owner_name = "sum-29404920";  // 2025-11-28
  text_.owner_uid = "jo-1";
  text_.created = "2025-11-28T10:00:05Z";
  Put(text_);
  put(KubeKind::kJob,
      {R"("uid":"jo-1","name":"sum-29404920")" + by + R"(CronJob","uid":"cr-1)" + controller});
  EXPECT_THAT(Resource({}, "10.1.0.7"), ElementsAre("k8s.cronjob.uid=cr-1"));
}

TEST_F(K8sAttributesTest, WatchesNoMoreThanItsRulesNeed) {
  using enum KubeKind;
  const auto kinds = [](PodExtraction rules) { return KindsFor(rules); };
  EXPECT_THAT(kinds({.metadata = {"k8s.pod.name", "k8s.replicaset.uid"}, .labels = {{.key = "a"}}}),
              IsEmpty());
  EXPECT_THAT(kinds({.metadata = {"k8s.cluster.uid", "k8s.node.uid"}}),
              ElementsAre(kNamespace, kNode));
  EXPECT_THAT(kinds({.metadata = {"k8s.deployment.uid"}}), ElementsAre(kReplicaSet));
  EXPECT_THAT(kinds({.metadata = {"k8s.cronjob.uid"}}), ElementsAre(kJob));
  EXPECT_THAT(kinds({.labels = {{.key = "a", .from = kDeployment}}}),
              ElementsAre(kDeployment, kReplicaSet));
  EXPECT_TRUE(WantsOnlyClusterUid({.metadata = {"k8s.cluster.uid"}}));
  EXPECT_FALSE(WantsOnlyClusterUid(
      {.metadata = {"k8s.cluster.uid"}, .annotations = {{.key = "a", .from = kNamespace}}}));
}

TEST_F(K8sAttributesTest, LeavesExcludedPodsAlone) {
  options_.excluded.push_back(*Pattern::Compile("^cart-"));
  Put(text_);
  Resource({}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);
  options_.excluded.clear();
  text_.annotations = R"("opentelemetry.io/k8s-processor/ignore":"true")";
  Put(text_);
  Resource({}, "10.1.0.7");
  EXPECT_EQ(got_, sent_);
}

TEST_F(K8sAttributesTest, NamesThePeersWorkloadAsOfTheSpansBegin) {
  Put(text_);
  options_.extract.peers = true;
  const auto start = kube::ParseTime("2026-11-28T10:00:01Z").value();
  const auto at = [&](std::int64_t offset_s, const char* peer) {
    const TraceRequest out = Run({}, "", peer, static_cast<std::uint64_t>(start + offset_s));
    return Show(out.resource_spans(0).scope_spans(0).spans(0).attributes());
  };
  EXPECT_THAT(at(5, "10.1.0.7"),
              ElementsAre("network.peer.address=10.1.0.7", "wirespan.peer.k8s.namespace.name=shop",
                          "wirespan.peer.k8s.pod.name=cart-7d9c6b5f4-x2x9p",
                          "wirespan.peer.k8s.deployment.name=cart"));
  EXPECT_THAT(at(-5, "10.1.0.7"), ElementsAre("network.peer.address=10.1.0.7"));
  EXPECT_EQ(got_, sent_);
  EXPECT_THAT(at(5, "10.1.0.8"), ElementsAre("network.peer.address=10.1.0.8"));
  EXPECT_THAT(at(5, ""), IsEmpty());
  EXPECT_EQ(registry_.Value("wirespan_processor_k8sattributes_peers_total",
                            {{"processor", "k8sattributes"}, {"outcome", "unknown"}}),
            2);
}

}  // namespace
}  // namespace wirespan::gateway
