// The gateway's load generator and its backend, for the benchmark and the tests under load.
#include <CLI/CLI.hpp>
#include <map>

#include "tests/bench/gateway/fill.h"
#include "tests/bench/gateway/generate.h"
#include "tests/bench/gateway/sink.h"

int main(int argc, char** argv) {
  using namespace wirespan;
  CLI::App app{"Load for wirespan-gateway, and a backend for it", "gateway_load"};
  app.require_subcommand(1);

  bench::GenerateOptions load;
  CLI::App* generate = app.add_subcommand("generate", "Send traces over OTLP/gRPC");
  const std::map<std::string, otlp::Encoding> encodings = {{"none", otlp::Encoding::kIdentity},
                                                           {"gzip", otlp::Encoding::kGzip},
                                                           {"zstd", otlp::Encoding::kZstd}};
  generate->add_option("--target", load.target)->required();
  generate->add_option("--connections", load.connections);
  generate->add_option("--in-flight", load.in_flight);
  generate->add_option("--spans", load.spans);
  generate->add_option("--compression", load.compression)
      ->transform(CLI::CheckedTransformer(encodings));
  generate->add_option("--seconds", load.seconds);
  generate->add_option("--rate", load.rate);
  generate->add_option("--distinct", load.distinct);
  generate->add_flag("--unique", load.unique);
  generate->add_option("--first", load.first);
  generate->add_option("--timeout-ms", load.timeout_ms);
  generate->add_option("--pause-ms", load.pause_ms);
  generate->add_option("--acked", load.acked_file);
  bool http2 = false;
  generate->add_flag("--http2", http2);

  bench::SinkOptions backend;
  CLI::App* sink = app.add_subcommand("sink", "Take OTLP/gRPC and count it");
  sink->add_option("--port", backend.port);
  sink->add_option("--http-port", backend.http_port);
  sink->add_option("--delay-ms", backend.delay_ms);
  sink->add_option("--at-once", backend.at_once);
  sink->add_option("--refuse", backend.refuse);
  sink->add_flag("--hang", backend.hang);
  sink->add_flag("--by-request", backend.by_request);
  sink->add_option("--arrived", backend.arrived_file);

  bench::FillOptions queue;
  CLI::App* fill = app.add_subcommand("fill", "Write a queue on disk as the gateway leaves it");
  fill->add_option("--folder", queue.folder)->required();
  fill->add_option("--gib", queue.gib);
  fill->add_option("--spans", queue.spans);

  CLI11_PARSE(app, argc, argv);
  if (generate->parsed()) (http2 ? bench::GenerateHttp2 : bench::Generate)(load);
  if (sink->parsed()) bench::Sink(backend);
  if (fill->parsed()) bench::Fill(queue);
  return 0;
}
