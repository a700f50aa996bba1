#include "gateway/app/certificate_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "common/telemetry/log.h"

namespace wirespan::gateway {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Watched {
  WatchedCertificates what{};
  std::string stamp{};
  steady_clock::time_point due{};
  telemetry::Counter* good = nullptr;
  telemetry::Counter* bad = nullptr;
};

void Look(Watched& watched) {
  std::string stamp = http::StampOf(watched.what.files);
  if (stamp == watched.stamp) return;
  watched.stamp = std::move(stamp);
  if (auto usable = http::CheckTlsFiles(watched.what.files); !usable) {
    watched.bad->Add();
    log::Warn("{}: {}; new connections get what was read before", watched.what.component,
              usable.error().message);
    return;
  }
  watched.good->Add();
  log::Info("{}: certificates were renewed, for new connections", watched.what.component);
}

void Run(const std::stop_token& stop, std::vector<Watched> all) {
  std::mutex asleep;
  std::condition_variable_any ends;
  std::unique_lock lock(asleep);
  while (!stop.stop_requested()) {
    const auto now = steady_clock::now();
    auto next = steady_clock::time_point::max();
    for (Watched& watched : all) {
      if (watched.due <= now) {
        Look(watched);
        watched.due = now + watched.what.interval;
      }
      next = std::min(next, watched.due);
    }
    ends.wait_until(lock, stop, next, [] { return false; });
  }
}

template <class Tls>
void Add(std::vector<WatchedCertificates>& all, std::string component, const Tls& tls,
         const std::string& ca_file) {
  if (tls.reload_interval.count() <= 0) return;
  all.push_back(
      {.component = std::move(component),
       .files = {.certificate_file = tls.cert_file, .key_file = tls.key_file, .ca_file = ca_file},
       .interval = std::max(tls.reload_interval, milliseconds(100))});
}

const ClientTlsOptions* TlsOf(const ExporterConfig& exporter) {
  if (const auto* grpc = std::get_if<GrpcClientOptions>(&exporter.kind)) return &grpc->tls;
  if (const auto* http = std::get_if<HttpClientOptions>(&exporter.kind)) return &http->tls;
  if (const auto* jaeger = std::get_if<JaegerOptions>(&exporter.kind)) return &jaeger->client.tls;
  if (const auto* zipkin = std::get_if<ZipkinOptions>(&exporter.kind)) return &zipkin->client.tls;
  return nullptr;
}

}  // namespace

std::vector<WatchedCertificates> FindWatchedCertificates(const GatewayConfig& config) {
  const auto used = [&](auto PipelineConfig::* list, const std::string& id) {
    return std::any_of(config.pipelines.begin(), config.pipelines.end(), [&](const auto& pipeline) {
      const auto& ids = pipeline.*list;
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    });
  };
  std::vector<WatchedCertificates> all;
  for (const auto& [id, receiver] : config.receivers) {
    if (!used(&PipelineConfig::receivers, id)) continue;
    const std::string name = "receiver " + id + "/";
    const auto add = [&](const char* transport, const auto& options) {
      if (!options || !options->tls) return;
      Add(all, name + transport, *options->tls, options->tls->client_ca_file);
    };
    add("grpc", receiver.grpc);
    add("http", receiver.http);
    add("http", receiver.zipkin);
  }
  for (const auto& [id, exporter] : config.exporters) {
    const ClientTlsOptions* tls = TlsOf(exporter);
    if (tls == nullptr || !used(&PipelineConfig::exporters, id)) continue;
    if (tls->ca_file.empty() && tls->cert_file.empty()) continue;
    Add(all, "exporter " + id, *tls, tls->ca_file);
  }
  return all;
}

CertificateWatch::CertificateWatch(std::vector<WatchedCertificates> watched,
                                   telemetry::Registry& registry) {
  if (watched.empty()) return;
  std::vector<Watched> all;
  for (WatchedCertificates& what : watched) {
    const auto counter = [&](const char* result) {
      return &registry.counter("wirespan_tls_reloads_total",
                               "Times that certificate files changed, by whether they can be used",
                               {{"component", what.component}, {"result", result}});
    };
    Watched each{.stamp = http::StampOf(what.files),
                 .due = steady_clock::now() + what.interval,
                 .good = counter("success"),
                 .bad = counter("failure")};
    each.what = std::move(what);
    all.push_back(std::move(each));
  }
  thread_ = std::jthread(
      [all = std::move(all)](std::stop_token stop) mutable { Run(stop, std::move(all)); });
}

}  // namespace wirespan::gateway
