#include "gateway/app/tenants.h"

#include <algorithm>
#include <set>
#include <utility>

namespace wirespan::gateway {

namespace {

void Add(MetadataKeys& keys, const MetadataKeys& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

std::string AuthenticatorOf(const ExporterConfig& exporter) {
  if (const auto* grpc = std::get_if<GrpcClientOptions>(&exporter.kind)) return grpc->authenticator;
  if (const auto* http = std::get_if<HttpClientOptions>(&exporter.kind)) return http->authenticator;
  if (const auto* jaeger = std::get_if<JaegerOptions>(&exporter.kind)) {
    return jaeger->client.authenticator;
  }
  if (const auto* zipkin = std::get_if<ZipkinOptions>(&exporter.kind)) {
    return zipkin->client.authenticator;
  }
  return {};
}

MetadataKeys ContextKeys(const std::vector<AttributeAction>& actions) {
  MetadataKeys keys;
  for (const AttributeAction& action : actions) {
    if (!action.from_context.empty()) keys.push_back(action.from_context);
  }
  return keys;
}

MetadataKeys KeysOf(const ProcessorConfig& processor) {
  if (const auto* batch = std::get_if<BatchOptions>(&processor)) return batch->metadata_keys;
  if (const auto* attributes = std::get_if<AttributesOptions>(&processor)) {
    return ContextKeys(attributes->actions);
  }
  if (const auto* resource = std::get_if<ResourceOptions>(&processor)) {
    return ContextKeys(resource->actions);
  }
  if (std::get_if<K8sAttributesOptions>(&processor) != nullptr) return {std::string(kPeerKey)};
  return {};
}

}  // namespace

MetadataKeys AuthenticatorKeys(const GatewayConfig& config, const ExporterConfig& exporter) {
  MetadataKeys keys;
  std::set<std::string> seen;  // a ring of them is refused later
  std::string id = AuthenticatorOf(exporter);
  while (!id.empty() && seen.insert(id).second) {
    const auto found = config.extensions.find(id);
    if (found == config.extensions.end()) break;
    const auto* setter = std::get_if<HeadersSetterOptions>(&found->second);
    if (setter == nullptr) break;
    for (const HeadersSetterOptions::Header& header : setter->headers) {
      if (!header.from_context.empty()) Add(keys, {header.from_context});
    }
    id = setter->additional_auth;
  }
  return keys;
}

MetadataKeys KeysBehind(const GatewayConfig& config, const PipelineConfig& pipeline, int index) {
  MetadataKeys keys;
  for (std::size_t i = static_cast<std::size_t>(index + 1); i < pipeline.processors.size(); ++i) {
    const auto processor = config.processors.find(pipeline.processors[i]);
    if (processor != config.processors.end()) Add(keys, KeysOf(processor->second));
  }
  for (const std::string& id : pipeline.exporters) {
    const auto exporter = config.exporters.find(id);
    if (exporter != config.exporters.end()) Add(keys, exporter->second.queue.metadata_keys);
  }
  return keys;
}

void SetMetadataKeys(GatewayConfig& config) {
  for (auto& [id, exporter] : config.exporters) {
    Add(exporter.queue.metadata_keys, AuthenticatorKeys(config, exporter));
  }
  for (const PipelineConfig& pipeline : config.pipelines) {
    const MetadataKeys keys = KeysBehind(config, pipeline, -1);
    if (keys.empty()) continue;
    for (const std::string& id : pipeline.receivers) {
      ReceiverConfig& receiver = config.receivers.at(id);
      if (receiver.grpc) Add(receiver.grpc->metadata_keys, keys);
      if (receiver.http) Add(receiver.http->metadata_keys, keys);
      if (receiver.zipkin) Add(receiver.zipkin->metadata_keys, keys);
    }
  }
}

std::vector<MissingMetadata> FindMissingMetadata(const GatewayConfig& config) {
  std::vector<MissingMetadata> missing;
  for (const PipelineConfig& pipeline : config.pipelines) {
    MetadataKeys keys = KeysBehind(config, pipeline, -1);
    std::erase(keys, kPeerKey);  // kept in any case
    if (keys.empty()) continue;
    for (const std::string& id : pipeline.receivers) {
      const ReceiverConfig& receiver = config.receivers.at(id);
      const bool keeps = (!receiver.grpc || receiver.grpc->include_metadata) &&
                         (!receiver.http || receiver.http->include_metadata) &&
                         (!receiver.zipkin || receiver.zipkin->include_metadata);
      if (!keeps) missing.push_back({.receiver = id, .pipeline = pipeline.id, .keys = keys});
    }
  }
  return missing;
}

}  // namespace wirespan::gateway
