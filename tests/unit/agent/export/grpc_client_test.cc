#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/otlp/compress.h"
#include "common/otlp/response.h"
#include "common/otlp/status.h"
#include "tests/unit/agent/export/export_harness.h"

namespace wirespan::exporting {
namespace {

class OtlpClientGrpcTest : public ::testing::Test {
 protected:
  Harness harness{OtlpServer::Kind::kGrpc};
};

TEST_F(OtlpClientGrpcTest, C07_C08_EveryCodeIsTreatedAsTheTableSays) {
  std::atomic<int> code = 0;
  std::atomic<bool> fail = true;
  harness.options.batch_spans = 1;
  harness.options.initial_backoff = 1ms;
  harness.options.max_backoff = 1ms;
  harness.Start([&](const OtlpRequest&, std::size_t) {
    return OtlpReply{.code = fail.exchange(false) ? code.load() : 0, .message = "because"};
  });
  std::size_t requests = 0;
  double refused = 0;
  for (int each = 1; each <= 16; ++each) {
    SCOPED_TRACE(otlp::GrpcCodeName(each));
    code = each;
    fail = true;
    harness.Send(1);
    const bool retried =
        each == 1 || each == 4 || each == 10 || each == 11 || each == 14 || each == 15;
    requests += retried ? 2 : 1;
    refused += retried ? 0 : 1;
    ASSERT_EQ(harness.server->requests().size(), requests);
    ASSERT_EQ(harness.Dropped("refused"), refused);
  }
  harness.ExpectClosedLedger();
}

TEST_F(OtlpClientGrpcTest, C08_ResourceExhaustedIsRetriedOnlyWithRetryInfo) {
  harness.Start([](const OtlpRequest&, std::size_t index) {
    if (index == 0)
      return OtlpReply{.code = 8, .details = otlp::EncodeStatus({8, "full", 20ms, {}})};
    if (index == 2)
      return OtlpReply{
          .code = 8, .message = "too big", .details = otlp::EncodeStatus({8, "x", {}, {}})};
    return OtlpReply{};
  });
  harness.Send(10);
  EXPECT_EQ(harness.Acknowledged(), 10);
  EXPECT_EQ(harness.server->requests().size(), 2u);
  harness.Send(10);
  EXPECT_EQ(harness.Dropped("refused"), 10);
  EXPECT_EQ(harness.server->requests().size(), 3u);
}

TEST_F(OtlpClientGrpcTest, C17_OurGzipGoesOutUntouchedAndEveryServerReadsIt) {
  harness.options.traces.compression = Compression::kGzip;
  harness.options.batch_spans = 100;
  OtlpServer::Options options;
  options.kind = OtlpServer::Kind::kGrpc;
  options.raw_grpc = true;
  harness.StartWith(options);
  harness.Send(100);
  const OtlpRequest request = harness.server->requests().at(0);
  EXPECT_EQ(otlp::DetectEncoding(request.raw), otlp::Encoding::kGzip);
  EXPECT_LT(request.raw.size(), request.body.size() / 4);
  EXPECT_EQ(harness.Value("sent_bytes_total", {{"signal", "traces"}}), request.raw.size());

  Harness standard(OtlpServer::Kind::kGrpc);  // gRPC decompresses by the message's flag and the
                                              // grpc-encoding header
  standard.options.traces.compression = Compression::kGzip;
  standard.Start();
  standard.Send(10);
  EXPECT_EQ(otlp::DetectEncoding(standard.server->requests().at(0).raw), otlp::Encoding::kIdentity);
  EXPECT_EQ(standard.server->items(otlp::Signal::kTraces), 10u);
}

std::string Slurp(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A CA, and a server's and a client's certificate signed by it.
class OtlpClientTlsTest : public OtlpClientGrpcTest {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "wirespan-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    const std::string make = "cd " + name +
                             " && exec >/dev/null 2>&1 && "
                             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                             "-nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca && "
                             "for who in server client; do "
                             "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                             "-keyout $who.key -out $who.csr -subj /CN=$who && "
                             "echo subjectAltName=IP:127.0.0.1,DNS:localhost >ext && "
                             "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key "
                             "-CAcreateserial -out $who.pem -days 2 -extfile ext || exit 1; done";
    ASSERT_EQ(std::system(make.c_str()), 0);
    server_.kind = OtlpServer::Kind::kGrpc;
    server_.certificate = Slurp(folder_ / "server.pem");
    server_.key = Slurp(folder_ / "server.key");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void StartTls() {
    harness.server = OtlpServer::Start(server_);
    ASSERT_NE(harness.server, nullptr);
    harness.options.traces.endpoint = "https://127.0.0.1:" + std::to_string(harness.server->port());
    harness.StartExporter();
  }

  std::filesystem::path folder_;
  OtlpServer::Options server_{};
};

TEST_F(OtlpClientTlsTest, C21_C23_HttpsMeansTlsWithTheGivenAuthority) {
  harness.options.traces.ca_file = folder_ / "ca.pem";
  StartTls();
  harness.Send(10);
  EXPECT_EQ(harness.Acknowledged(), 10);
}

TEST_F(OtlpClientTlsTest, C21_AClientCertificateIsShownWhereOneIsDemanded) {
  server_.client_ca = Slurp(folder_ / "ca.pem");
  harness.options.traces.ca_file = folder_ / "ca.pem";
  harness.options.traces.certificate_file = folder_ / "client.pem";
  harness.options.traces.key_file = folder_ / "client.key";
  StartTls();
  harness.Send(10);
  EXPECT_EQ(harness.Acknowledged(), 10);
}

// As a certificate manager does it: to another authority, while the agent runs.
TEST_F(OtlpClientTlsTest, FilesThatChangeAreReadAgain) {
  server_.client_ca = Slurp(folder_ / "ca.pem");
  const auto used = folder_ / "used";
  std::filesystem::create_directory(used);
  const auto put = [&](const std::filesystem::path& from) {
    for (const char* file : {"ca.pem", "client.pem", "client.key"}) {
      std::filesystem::copy_file(from / file, used / "new");
      std::filesystem::rename(used / "new", used / file);
    }
  };
  // One that the server does not know.
  const std::string other =
      "cd " + folder_.string() +
      " && mkdir other && exec >/dev/null 2>&1 && openssl req -x509 -newkey ec "
      "-pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other "
      "-keyout other/client.key -out other/client.pem && "
      "cp other/client.pem other/ca.pem";
  ASSERT_EQ(std::system(other.c_str()), 0);
  put(folder_ / "other");
  harness.options.traces.ca_file = used / "ca.pem";
  harness.options.traces.certificate_file = used / "client.pem";
  harness.options.traces.key_file = used / "client.key";
  harness.options.traces.reload_interval = 100ms;
  StartTls();
  harness.Accept(10);
  EXPECT_FALSE(harness.exporter->Flush(1s));
  EXPECT_TRUE(harness.server->requests().empty());
  put(folder_);
  EXPECT_TRUE(harness.exporter->Flush(30s));
  EXPECT_EQ(harness.Acknowledged(), 10);
}

TEST_F(OtlpClientTlsTest, AnUnknownAuthorityGetsNoData) {
  harness.options.max_elapsed = 200ms;
  StartTls();  // the system's authorities do not know ours
  harness.Send(10);
  EXPECT_EQ(harness.Dropped("retries_exhausted"), 10);
  EXPECT_TRUE(harness.server->requests().empty());
}

TEST_F(OtlpClientTlsTest, ACertificateThatIsNoneIsRefusedAtStart) {
  harness.options.traces.endpoint = "https://127.0.0.1:1";
  harness.options.traces.ca_file = folder_ / "ext";
  const auto created = Exporter::Create(harness.options, SystemClock(), harness.registry);
  ASSERT_FALSE(created.has_value());
  EXPECT_EQ(created.error().message, "export traces: CA certificate " +
                                         harness.options.traces.ca_file + ": not in PEM format");
}

}  // namespace
}  // namespace wirespan::exporting
