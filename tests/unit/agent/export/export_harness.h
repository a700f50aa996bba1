#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/export/exporter.h"
#include "common/telemetry/metrics.h"
#include "tests/support/otlp_server.h"
#include "tests/unit/agent/export/sample_spans.h"

namespace wirespan::exporting {

using namespace std::chrono_literals;
using testing::OtlpReply;
using testing::OtlpRequest;
using testing::OtlpServer;

// A real exporter in front of a scripted backend, with delays a test can bear.
struct Harness {
  explicit Harness(OtlpServer::Kind kind) : kind(kind) {
    options.batch_spans = 10;
    options.initial_backoff = 10ms;
    options.max_backoff = 50ms;
    options.max_elapsed = 60s;
    options.metrics.enabled = false;
    for (SignalOptions* signal : {&options.traces, &options.metrics}) {
      signal->protocol =
          kind == OtlpServer::Kind::kGrpc ? OtlpProtocol::kGrpc : OtlpProtocol::kHttpProtobuf;
      signal->timeout = 20s;
    }
  }

  void Start(OtlpServer::Script script = nullptr) {
    OtlpServer::Options server_options;
    server_options.kind = kind;
    StartWith(server_options, std::move(script));
  }
  void StartWith(const OtlpServer::Options& server_options, OtlpServer::Script script = nullptr) {
    server = OtlpServer::Start(server_options, std::move(script));
    ASSERT_NE(server, nullptr);
    options.traces.endpoint = server->endpoint(otlp::Signal::kTraces);
    options.metrics.endpoint = server->endpoint(otlp::Signal::kMetrics);
    StartExporter();
  }
  void StartExporter() {
    auto created = Exporter::Create(options, SystemClock(), registry);
    ASSERT_TRUE(created.has_value()) << created.error().message;
    exporter = std::move(*created);
  }

  void Accept(int spans) {
    for (int i = 0; i < spans; ++i)
      exporter->Accept(SampleSpan(resource, static_cast<std::uint8_t>(i)));
  }
  // All decided, one way or the other.
  void Send(int spans) {
    Accept(spans);
    EXPECT_TRUE(exporter->Flush(30s));
  }

  double Value(const std::string& name, const telemetry::Labels& labels = {}) const {
    return registry.Value("wirespan_export_" + name, labels);
  }
  double Acknowledged() const {
    return Value("spans_total", {{"result", "acknowledged"}, {"reason", ""}});
  }
  double Rejected() const {
    return Value("spans_total", {{"result", "rejected"}, {"reason", "partial_success"}});
  }
  double Dropped(const std::string& reason) const {
    return Value("spans_total", {{"result", "dropped"}, {"reason", reason}});
  }
  double Held() const {
    double held = 0;
    for (const char* where : {"batch", "queue", "in_flight"})
      held += Value("held_spans", {{"where", where}});
    return held;
  }
  // accepted = acknowledged + rejected + dropped{reason} + held
  void ExpectClosedLedger() const {
    double out = Acknowledged() + Rejected() + Held();
    for (const char* reason :
         {"queue_full", "too_large", "refused", "retries_exhausted", "shutdown", "disabled"}) {
      out += Dropped(reason);
    }
    EXPECT_EQ(Value("accepted_spans_total"), out);
  }

  const OtlpServer::Kind kind;
  ExporterOptions options{};
  telemetry::Registry registry{};
  std::shared_ptr<const span::Resource> resource = SampleResource("shop");
  std::unique_ptr<OtlpServer> server{};
  std::unique_ptr<Exporter> exporter{};
};

inline std::string KindName(OtlpServer::Kind kind) {
  return kind == OtlpServer::Kind::kGrpc ? "Grpc" : "Http";
}

}  // namespace wirespan::exporting
