#pragma once

#include <string>
#include <vector>

#include "gateway/app/gateway_config.h"

// Which headers of requests somebody asks for. Only those are kept, from the receivers on, and no
// step on the way may join requests in which they differ.
namespace wirespan::gateway {

using MetadataKeys = std::vector<std::string>;  // sorted, each once; see Metadata

// What an exporter's authenticator reads of a request (headers_setter, with its additional_auth).
MetadataKeys AuthenticatorKeys(const GatewayConfig& config, const ExporterConfig& exporter);

// What is needed behind the processor at `index` of the pipeline; index -1: behind its receivers.
MetadataKeys KeysBehind(const GatewayConfig& config, const PipelineConfig& pipeline, int index);

// Sets metadata_keys of queues and receivers, once everything else is known.
void SetMetadataKeys(GatewayConfig& config);

// A pipeline asks for headers and a receiver of it keeps none: its requests count as without them.
struct MissingMetadata {
  std::string receiver{};
  std::string pipeline{};
  MetadataKeys keys{};
};
std::vector<MissingMetadata> FindMissingMetadata(const GatewayConfig& config);

}  // namespace wirespan::gateway
