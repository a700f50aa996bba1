#include "gateway/ingest/grpc_credentials.h"

#include <fmt/format.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace wirespan::gateway {

namespace {

Result<std::string> ReadPem(const std::string& path, std::string_view key) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("tls.{}: can't read {}", key, path));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

constexpr unsigned kGrpcLooksEverySeconds = 1;  // at the copies, which cost nothing

Result<GrpcServerCredentials> Watched(const ServerTlsOptions& tls) {
  namespace exp = grpc::experimental;
  auto copies = http::TlsCopies::Start(
      {.certificate_file = tls.cert_file, .key_file = tls.key_file, .ca_file = tls.client_ca_file},
      tls.reload_interval);
  if (!copies) return Wrap("tls", std::move(copies.error()));
  exp::TlsServerCredentialsOptions options(std::make_shared<exp::FileWatcherCertificateProvider>(
      (*copies)->identity_path(), (*copies)->identity_path(), (*copies)->ca_path(),
      kGrpcLooksEverySeconds));
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return GrpcServerCredentials{.copies = std::move(*copies),
                               .credentials = exp::TlsServerCredentials(options)};
}

}  // namespace

Result<GrpcServerCredentials> ServerCredentialsOf(const std::optional<ServerTlsOptions>& tls) {
  if (!tls) return GrpcServerCredentials{.credentials = grpc::InsecureServerCredentials()};
  if (tls->reload_interval.count() > 0) return Watched(*tls);
  auto cert = ReadPem(tls->cert_file, "cert_file");
  if (!cert) return tl::unexpected(cert.error());
  auto key = ReadPem(tls->key_file, "key_file");
  if (!key) return tl::unexpected(key.error());
  Result<std::string> ca = std::string();
  if (!tls->client_ca_file.empty()) ca = ReadPem(tls->client_ca_file, "client_ca_file");
  if (!ca) return tl::unexpected(ca.error());
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({std::move(*key), std::move(*cert)});
  if (!ca->empty()) {
    options.pem_root_certs = std::move(*ca);
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return GrpcServerCredentials{.credentials = grpc::SslServerCredentials(options)};
}

}  // namespace wirespan::gateway
