#include "common/otlp/edit.h"

#include <gtest/gtest.h>

#include <random>

#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace wirespan::otlp {
namespace {

namespace collector = opentelemetry::proto::collector;
using TraceRequest = collector::trace::v1::ExportTraceServiceRequest;
using MetricRequest = collector::metrics::v1::ExportMetricsServiceRequest;

// Fields that no version of OTLP has, at every level.
template <class Message>
void AddUnknown(Message& message, std::mt19937& random) {
  auto* unknown = message.GetReflection()->MutableUnknownFields(&message);
  if (random() % 2 == 0) unknown->AddVarint(1000, random());
  if (random() % 3 == 0) unknown->AddLengthDelimited(1001, "kept as it came");
}

TraceRequest RandomTraces(std::mt19937& random) {
  TraceRequest request;
  AddUnknown(request, random);
  const unsigned resources = random() % 4;
  for (unsigned r = 0; r < resources; ++r) {
    auto& spans = *request.add_resource_spans();
    AddUnknown(spans, random);
    if (random() % 4 != 0) spans.mutable_resource()->set_dropped_attributes_count(r);
    spans.set_schema_url("schema");
    const unsigned scopes = random() % 3;
    for (unsigned s = 0; s < scopes; ++s) {
      auto& scope = *spans.add_scope_spans();
      AddUnknown(scope, random);
      if (random() % 3 != 0) scope.mutable_scope()->set_name("scope");
      const unsigned items = random() % 5;
      for (unsigned i = 0; i < items; ++i) {
        auto& span = *scope.add_spans();
        AddUnknown(span, random);
        span.set_name(std::string(random() % 300, 'n'));
        span.set_flags(random() % 100);
      }
    }
  }
  return request;
}

// Drops, replaces or keeps spans by their flags.
class ByFlags : public MessageEditor {
 public:
  explicit ByFlags(unsigned drop, unsigned replace) : drop_(drop), replace_(replace) {}
  Verdict OnItem(const Place&, std::string_view item, Writer& out) override {
    opentelemetry::proto::trace::v1::Span span;
    EXPECT_TRUE(span.ParseFromArray(item.data(), static_cast<int>(item.size())));
    if (span.flags() < drop_) return Verdict::kDrop;
    if (span.flags() >= 100 - replace_) {
      span.set_name(span.name() + std::string(200, 'x'));
      out.Raw(span.SerializeAsString());
      return Verdict::kReplace;
    }
    return Verdict::kKeep;
  }

 private:
  const unsigned drop_;
  const unsigned replace_;
};

// The same on protobuf's objects.
std::size_t Reference(TraceRequest& request, unsigned drop, unsigned replace) {
  std::size_t dropped = 0;
  const auto keep_if = [](auto& list, auto keep) {
    int kept = 0;
    for (int i = 0; i < list.size(); ++i) {
      if (!keep(list[i])) continue;
      if (kept != i) list.SwapElements(kept, i);
      ++kept;
    }
    list.DeleteSubrange(kept, list.size() - kept);
  };
  keep_if(*request.mutable_resource_spans(), [&](auto& resource) {
    bool lost_scope = false;
    keep_if(*resource.mutable_scope_spans(), [&](auto& scope) {
      const int before = scope.spans_size();
      keep_if(*scope.mutable_spans(), [&](auto& span) {
        if (span.flags() >= 100 - replace && span.flags() >= drop) {
          span.set_name(span.name() + std::string(200, 'x'));
        }
        return span.flags() >= drop;
      });
      dropped += static_cast<std::size_t>(before - scope.spans_size());
      const bool emptied = before > 0 && scope.spans_size() == 0;
      lost_scope = lost_scope || emptied;
      return !emptied;
    });
    return !lost_scope || resource.scope_spans_size() > 0;
  });
  return dropped;
}

TEST(EditTest, DoesTheSameAsOnDecodedMessages) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    SCOPED_TRACE(round);
    TraceRequest request = RandomTraces(random);
    const std::string before = request.SerializeAsString();
    const unsigned drop = std::array{0u, 30u, 80u, 100u}[random() % 4];
    const unsigned replace = std::array{0u, 30u, 80u}[random() % 3];
    ByFlags editor(drop, replace);
    Writer out;
    const EditResult result = EditRequest(Signal::kTraces, before, editor, out);
    ASSERT_TRUE(result.ok);
    EXPECT_EQ(result.dropped, Reference(request, drop, replace));
    const std::string wanted = request.SerializeAsString();
    EXPECT_EQ(result.changed ? std::string(out.view()) : before, wanted);
    EXPECT_EQ(result.changed, before != wanted);
  }
}

TEST(EditTest, LeavesEveryByteIfNothingChanges) {
  // Long forms of lengths, which no encoder writes but all read.
  const std::string scope("\x12\x83\x80\x00\x2a\x01n", 7);  // one span: name "n"
  std::string request = "\x0a";
  std::string resource = "\x12" + std::string(1, static_cast<char>(scope.size())) + scope;
  request += std::string(1, static_cast<char>(resource.size() | 0x80)) + std::string("\x80\x00", 2);
  request += resource;
  MessageEditor nothing;
  Writer out;
  const EditResult result = EditRequest(Signal::kTraces, request, nothing, out);
  EXPECT_TRUE(result.ok);
  EXPECT_FALSE(result.changed);
  EXPECT_TRUE(out.empty());
}

TEST(EditTest, ShowsWhatStandsAroundAnItem) {
  MetricRequest request;
  auto& resource = *request.add_resource_metrics();
  resource.mutable_resource()->set_dropped_attributes_count(7);
  auto& scope = *resource.add_scope_metrics();
  scope.mutable_scope()->set_name("scope");
  auto& sum = *scope.add_metrics();
  sum.set_name("requests");
  sum.mutable_sum()->add_data_points()->set_as_int(1);
  auto& histogram = *scope.add_metrics();
  histogram.set_name("duration");
  histogram.mutable_histogram()->add_data_points()->set_count(1);

  struct Seen : MessageEditor {
    Verdict OnItem(const Place& place, std::string_view, Writer&) override {
      opentelemetry::proto::metrics::v1::Metric metric;
      EXPECT_TRUE(metric.ParseFromString(std::string(place.metric)));
      opentelemetry::proto::common::v1::InstrumentationScope scope;
      EXPECT_TRUE(scope.ParseFromString(std::string(place.scope)));
      text += metric.name() + " " + std::to_string(place.point_field) + " " + scope.name() + " " +
              std::to_string(place.resource.size()) + "; ";
      return Verdict::kKeep;
    }
    std::string text;
  } seen;
  Writer out;
  EXPECT_TRUE(EditRequest(Signal::kMetrics, request.SerializeAsString(), seen, out).ok);
  EXPECT_EQ(seen.text, "requests 7 scope 2; duration 9 scope 2; ");
}

TEST(EditTest, DropsMetricsWholeAndCountsTheirPoints) {
  MetricRequest request;
  auto& scope = *request.add_resource_metrics()->add_scope_metrics();
  for (const char* name : {"a", "b", "c"}) {
    auto& metric = *scope.add_metrics();
    metric.set_name(name);
    for (int i = 0; i < 3; ++i) metric.mutable_gauge()->add_data_points()->set_as_int(i);
  }
  struct DropsB : MessageEditor {
    Verdict OnMetric(const Place&, std::string_view metric) override {
      return metric.substr(2, 1) == "b" ? Verdict::kDrop : Verdict::kKeep;
    }
  } editor;
  Writer out;
  const EditResult result = EditRequest(Signal::kMetrics, request.SerializeAsString(), editor, out);
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(result.dropped, 3u);
  scope.mutable_metrics()->DeleteSubrange(1, 1);
  EXPECT_EQ(out.view(), request.SerializeAsString());
}

TEST(EditTest, ReplacesResourcesAndAddsAbsentOnes) {
  TraceRequest request;
  request.add_resource_spans()->mutable_resource()->set_dropped_attributes_count(1);
  request.add_resource_spans()->set_schema_url("no resource");
  struct Sets : MessageEditor {
    Verdict OnResource(std::string_view, Writer& out) override {
      out.Varint(2, 9);
      return Verdict::kReplace;
    }
    bool wants_items() const override { return false; }
  } editor;
  Writer out;
  EXPECT_TRUE(EditRequest(Signal::kTraces, request.SerializeAsString(), editor, out).changed);
  TraceRequest after;
  ASSERT_TRUE(after.ParseFromString(std::string(out.view())));
  for (auto& spans : *request.mutable_resource_spans()) {
    spans.mutable_resource()->set_dropped_attributes_count(9);
  }
  EXPECT_EQ(after.SerializeAsString(), request.SerializeAsString());
}

TEST(EditTest, ReadsAResourceInTwoPartsAsOneAndReplacesBoth) {
  // resource_spans { resource { dropped 1 } schema_url "s" resource { dropped 2 } }
  const std::string request("\x0a\x0b\x0a\x02\x10\x01\x1a\x01s\x0a\x02\x10\x02", 13);
  struct Sees : MessageEditor {
    Verdict OnResource(std::string_view resource, Writer& out) override {
      EXPECT_EQ(resource, "\x10\x01\x10\x02");
      out.Varint(2, 3);
      return Verdict::kReplace;
    }
  } editor;
  Writer out;
  EXPECT_TRUE(EditRequest(Signal::kTraces, request, editor, out).changed);
  EXPECT_EQ(out.view(), std::string_view("\x0a\x07\x0a\x02\x10\x03\x1a\x01s", 9));
}

TEST(EditTest, SaysWhenARequestIsMalformed) {
  TraceRequest request;
  request.add_resource_spans()->add_scope_spans()->add_spans()->set_name("name");
  const std::string bytes = request.SerializeAsString();
  MessageEditor nothing;
  Writer out;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    EXPECT_FALSE(EditRequest(Signal::kTraces, bytes.substr(0, cut), nothing, out).ok);
  }
}

}  // namespace
}  // namespace wirespan::otlp
