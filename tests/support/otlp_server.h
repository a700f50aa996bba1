#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/otlp/signal.h"

// A scriptable OTLP backend on 127.0.0.1. Link ws_tests_support_otlp.
namespace wirespan::testing {

struct OtlpRequest {
  otlp::Signal signal = otlp::Signal::kTraces;
  std::string path{};  // "/v1/traces", "/opentelemetry.proto...Service/Export"
  std::map<std::string, std::string> headers{};  // names in lower case
  std::string body{};                            // decompressed
  std::string raw{};           // as sent (gRPC: only with Options::raw_grpc, else as body)
  std::size_t connection = 0;  // HTTP: number of the TCP connection, from 1
  std::chrono::steady_clock::time_point at{};
};

struct OtlpReply {
  int code = 0;           // gRPC's code, or HTTP's status; 0: success
  std::string message{};  // gRPC's status message
  std::string details{};  // gRPC: a google.rpc.Status (otlp::EncodeStatus)
  std::string body{};     // response message, or HTTP's body
  std::vector<std::pair<std::string, std::string>> headers{};  // HTTP
  std::chrono::milliseconds delay{0};
  bool reset = false;  // HTTP: the connection ends with an RST instead of an answer
};

class OtlpServer {
 public:
  enum class Kind { kGrpc, kHttp };
  struct Options {
    Kind kind = Kind::kHttp;
    std::uint16_t port = 0;     // 0: any free one
    bool raw_grpc = false;      // gRPC leaves the bytes as they come
    std::string certificate{};  // PEM texts, gRPC alone; empty: plain
    std::string key{};
    std::string client_ca{};  // not empty: a client certificate is demanded
  };
  // Called for each request, with the number of those before it; on one of the server's threads.
  using Script = std::function<OtlpReply(const OtlpRequest& request, std::size_t index)>;

  static std::unique_ptr<OtlpServer> Start(const Options& options, Script script = nullptr);
  virtual ~OtlpServer() = default;

  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const { return 0; }  // HTTP: accepted so far
  // "http://127.0.0.1:port"; for HTTP with the signal's path.
  std::string endpoint(otlp::Signal signal) const;

  std::vector<OtlpRequest> requests() const;
  std::size_t items(otlp::Signal signal) const;  // in requests that got a success
  // False: the deadline passed first.
  bool WaitForRequests(std::size_t count,
                       std::chrono::milliseconds deadline = std::chrono::seconds(20)) const;

 protected:
  OtlpServer(Kind kind, Script script) : kind_(kind), script_(std::move(script)) {}
  // Records the request and asks the script.
  OtlpReply Take(OtlpRequest request);

 private:
  const Kind kind_;
  const Script script_;
  mutable std::mutex mutex_{};  // guards what follows
  mutable std::condition_variable arrived_{};
  std::vector<OtlpRequest> requests_{};
  std::map<otlp::Signal, std::size_t> items_{};
};

// Used by Start.
std::unique_ptr<OtlpServer> StartGrpcOtlpServer(const OtlpServer::Options& options,
                                                OtlpServer::Script script);
std::unique_ptr<OtlpServer> StartHttpOtlpServer(const OtlpServer::Options& options,
                                                OtlpServer::Script script);

}  // namespace wirespan::testing
