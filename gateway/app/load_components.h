#pragma once

#include <string_view>

#include "common/config/node.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// One component each, by the type of its id. `node` is its settings, null for all defaults;
// `parent` and `id` say where it stands. Problems go to the document.
ReceiverConfig LoadReceiver(const config::Node& parent, const std::string& id,
                            const config::Node& node);
ProcessorConfig LoadProcessor(const config::Node& parent, const std::string& id,
                              const config::Node& node);
ExporterConfig LoadExporter(const config::Node& parent, const std::string& id,
                            const config::Node& node);

// An extension's settings; `listen_host` is the default host of pages. What it needs of other
// extensions goes to `uses`.
ExtensionOptions LoadExtension(const config::Node& parent, const std::string& id,
                               const config::Node& node, const std::string& listen_host,
                               std::vector<ExtensionUse>& uses);
bool CanBe(const ExtensionOptions& options, ExtensionRole role);

// `auth: {authenticator: basicauth/x}` of a receiver's protocol (kServerAuth) or an exporter
// (kClientAuth): the extension's id, empty if there is none. That it exists, is enabled and can do
// this is checked later by what `uses` collects.
std::string ReadAuthenticator(const config::Node& auth, ExtensionRole role,
                              std::vector<ExtensionUse>& uses);
// `storage: file_storage/x` of a sending_queue, likewise.
std::string ReadStorage(const config::Node& storage, std::vector<ExtensionUse>& uses);

// An HTTP server's settings: of a receiver, or of an exporter that serves what it keeps.
HttpServerOptions ReadHttpServer(const config::Node& node, HttpServerOptions options,
                                 std::vector<ExtensionUse>& uses);
// Names of headers, in lower case.
std::vector<std::string> ReadMetadataKeys(const config::Node& node);
// The key of metadata that a from_context means; a header_setter's from_attribute is checked alike.
std::string ReadContextKey(const config::Node& node);
void CheckAuthAttribute(const config::Node& node, std::string_view attribute);

// "host:port" into host and port; an empty host means all addresses.
void ReadHostPort(const config::Node& node, std::string& host, std::uint16_t& port);

// Milliseconds, as all our clocks count.
std::chrono::milliseconds ReadDuration(const config::Node& node,
                                       std::chrono::milliseconds fallback);

}  // namespace wirespan::gateway
