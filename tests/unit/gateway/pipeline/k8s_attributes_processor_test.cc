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
    K8sAttributesProcessor processor("k8sattributes", options_, directory_, end, registry_);
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
  std::string sent_, got_;
};

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
