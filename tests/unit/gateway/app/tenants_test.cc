#include "gateway/app/tenants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/config_loader.h"

namespace wirespan::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kTenants = R"(
receivers:
  otlp: {protocols: {grpc: {include_metadata: true}, http: {include_metadata: true}}}
  zipkin: {}
processors:
  batch: {metadata_keys: [X-Region]}
  batch/plain:
  resource: {attributes: [{key: user, action: upsert, from_context: auth.username}]}
exporters:
  otlp:
    endpoint: a:1
    auth: {authenticator: headers_setter/outer}
    sending_queue: {batch: {partition: {metadata_keys: [X-Shard]}}}
  otlphttp: {endpoint: "http://a:2"}
extensions:
  headers_setter/outer:
    headers: [{key: x-scope-orgid, from_context: X-Tenant}]
    additional_auth: headers_setter/inner
  headers_setter/inner:
    headers: [{key: x-user, from_attribute: username}]
service:
  extensions: [headers_setter/outer, headers_setter/inner]
  pipelines:
    traces: {receivers: [otlp, zipkin], processors: [batch/plain, resource, batch], exporters: [otlp]}
    traces/2: {receivers: [zipkin], exporters: [otlphttp]}
)";

Result<GatewayConfig> Read(const std::string& text) {
  return ReadConfig(config::Document::Parse({{.name = "a.yaml", .text = text}}), "localhost");
}

TEST(TenantsTest, EachStepKeepsWhatTheOnesBehindItAskFor) {
  const auto config = Read(kTenants);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->exporters.at("otlp").queue.metadata_keys,
              ElementsAre(":auth.username", "x-shard", "x-tenant"));
  EXPECT_THAT(config->exporters.at("otlphttp").queue.metadata_keys, IsEmpty());
  const PipelineConfig& pipeline = config->pipelines.at(0);
  EXPECT_THAT(KeysBehind(*config, pipeline, 2),
              ElementsAre(":auth.username", "x-shard", "x-tenant"));
  EXPECT_THAT(KeysBehind(*config, pipeline, 1),
              ElementsAre(":auth.username", "x-region", "x-shard", "x-tenant"));
  const auto& receiver = config->receivers.at("otlp");
  EXPECT_THAT(receiver.grpc->metadata_keys,
              ElementsAre(":auth.username", "x-region", "x-shard", "x-tenant"));
  EXPECT_EQ(receiver.http->metadata_keys, receiver.grpc->metadata_keys);
  EXPECT_THAT(config->warnings,
              ElementsAre(HasSubstr("traces asks for :auth.username, x-region, x-shard, x-tenant "
                                    "of requests, but zipkin is without include_metadata: true"),
                          HasSubstr("while otlp or otlphttp is down or full")));
}

TEST(TenantsTest, TheSendersAddressIsKeptAsFarAsItIsAskedFor) {
  const auto config = Read(R"(
receivers: {otlp: {protocols: {grpc: }}}
processors: {batch: , batch/2: , k8sattributes: }
exporters: {debug: , nop: }
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch, k8sattributes, batch/2], exporters: [debug]}
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->receivers.at("otlp").grpc->metadata_keys, ElementsAre(":peer.address"));
  EXPECT_THAT(KeysBehind(*config, config->pipelines[0], 0), ElementsAre(":peer.address"));
  EXPECT_THAT(KeysBehind(*config, config->pipelines[0], 1), IsEmpty());
  EXPECT_THAT(config->warnings, IsEmpty()) << "it is no header";
}

TEST(TenantsTest, CredentialsPartNoQueueOnDisk) {
  const std::string base = R"(
receivers: {otlp: {protocols: {grpc: {include_metadata: true}}}}
extensions:
  file_storage:
  headers_setter: {headers: [{key: authorization, from_context: Authorization}]}
service:
  extensions: [file_storage, headers_setter]
  pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
)";
  const auto with = [&](const std::string& exporter) {
    const auto config = Read(base + "exporters: {otlp: {endpoint: 'a:1', " + exporter + "}}\n");
    return config ? "no error" : config.error().message;
  };
  EXPECT_EQ(with("auth: {authenticator: headers_setter}"), "no error");
  EXPECT_EQ(with("auth: {authenticator: headers_setter}, sending_queue: {storage: file_storage}"),
            "a.yaml:9:59: \"headers_setter\" takes authorization from the request; that is a "
            "credential, and those are not written to disk: an exporter with storage can't send "
            "it");
  EXPECT_THAT(with("sending_queue: {storage: file_storage, batch: {partition: "
                   "{metadata_keys: [X-Api-Key]}}}"),
              HasSubstr("x-api-key is a credential, and those are not written to disk"));
}

}  // namespace
}  // namespace wirespan::gateway
