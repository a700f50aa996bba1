#include "gateway/app/components.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "gateway/app/replacements.h"

namespace wirespan::gateway {

const std::vector<ComponentType>& ComponentTypes() {
  static const std::vector<ComponentType> kTypes = {
      {"receivers", {"otlp"}, "OTLP over gRPC and HTTP, protobuf and JSON"},
      {"receivers", {"zipkin"}, "Zipkin's v2 JSON"},
      {"processors", {"attributes"}, "edits attributes of spans, log records and data points"},
      {"processors", {"batch"}, "joins the requests that arrive while exporters are busy"},
      {"processors", {"filter"}, "drops what an OTTL condition is true for"},
      {"processors",
       {"k8sattributes", "k8s_attributes"},
       "gives resources the attributes of their pods"},
      {"processors", {"memory_limiter"}, "sets the memory that the process stays under"},
      {"processors", {"probabilistic_sampler"}, "keeps a share of traces and log records"},
      {"processors", {"resource"}, "edits attributes of resources"},
      {"exporters", {"debug"}, "shows what passes on standard error"},
      {"exporters", {"file"}, "OTLP/JSON lines or length-prefixed protobuf, with rotation"},
      {"exporters", {"otlp", "otlp_grpc"}, "OTLP over gRPC"},
      {"exporters", {"otlphttp", "otlp_http"}, "OTLP over HTTP, protobuf or JSON"},
      {"exporters", {"jaeger"}, "traces to Jaeger's own gRPC (api_v2)"},
      {"exporters", {"nop"}, "takes everything and keeps nothing"},
      {"exporters",
       {"store"},
       "traces in a folder of this machine, served as a page and as Jaeger's API; of metrics what "
       "agents say of themselves"},
      {"exporters", {"zipkin"}, "traces as Zipkin's v2 JSON"},
      {"extensions",
       {"basicauth", "basic_auth"},
       "user names and passwords, of clients or for servers"},
      {"extensions", {"bearertokenauth", "bearer_token_auth"}, "tokens, renewed from a file"},
      {"extensions", {"file_storage"}, "a folder for sending queues that survive a crash"},
      {"extensions", {"headers_setter"}, "headers of exporters, from a request's own"},
      {"extensions", {"health_check"}, "a page that says whether the gateway takes data"},
      {"extensions", {"pprof"}, "taken, serves nothing: this is no Go program"},
      {"extensions", {"zpages"}, "the status page on a port of its own"},
  };
  return kTypes;
}

std::string_view TypeOf(std::string_view id) { return id.substr(0, id.find('/')); }

std::string NamesIn(std::string_view kind) {
  std::string text;
  for (const ComponentType& type : ComponentTypes()) {
    if (type.kind != kind) continue;
    for (const std::string_view name : type.names) {
      if (!text.empty()) text += ", ";
      text += name;
    }
  }
  return text.empty() ? "none" : text;
}

bool HasComponent(std::string_view kind, std::string_view type) {
  return std::any_of(ComponentTypes().begin(), ComponentTypes().end(), [&](const auto& known) {
    return known.kind == kind &&
           std::find(known.names.begin(), known.names.end(), type) != known.names.end();
  });
}

std::string UnknownComponent(std::string_view kind, std::string_view type) {
  std::string sentence = fmt::format("unknown {} \"{}\"", kind.substr(0, kind.size() - 1),
                                     ToUtf8(TruncateUtf8(type, 60)));
  if (const std::string_view instead = Replacement(kind, type); !instead.empty()) {
    sentence += fmt::format(": {}", instead);
  }
  return sentence + fmt::format(" (there are: {})", NamesIn(kind));
}

std::string ComponentsText() {
  std::string text;
  std::string_view kind;
  for (const ComponentType& type : ComponentTypes()) {
    if (type.kind != kind) text += fmt::format("{}:\n", type.kind);
    kind = type.kind;
    std::string names(type.names.front());
    for (std::size_t i = 1; i < type.names.size(); ++i)
      names += fmt::format(" ({})", type.names[i]);
    text += fmt::format("  {:<36} {}\n", names, type.what);
  }
  return text;
}

}  // namespace wirespan::gateway
