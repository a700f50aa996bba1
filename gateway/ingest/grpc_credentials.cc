#include "gateway/ingest/grpc_credentials.h"

#include <fmt/format.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace wirespan::gateway {

namespace {

Result<std::string> ReadPem(const std::string& path, std::string_view key) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("tls.{}: can't read {}", key, path));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::shared_ptr<grpc::ServerCredentials> Watched(const ServerTlsOptions& tls) {
  namespace exp = grpc::experimental;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(tls.reload_interval).count();
  exp::TlsServerCredentialsOptions options(std::make_shared<exp::FileWatcherCertificateProvider>(
      tls.key_file, tls.cert_file, tls.client_ca_file,
      static_cast<unsigned>(std::clamp<std::int64_t>(seconds, 1, 86400))));
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return exp::TlsServerCredentials(options);
}

}  // namespace

Result<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(
    const std::optional<ServerTlsOptions>& tls) {
  if (!tls) return grpc::InsecureServerCredentials();
  // Also before they are watched: a file that is missing at start is an error, not a wait.
  auto cert = ReadPem(tls->cert_file, "cert_file");
  if (!cert) return tl::unexpected(cert.error());
  auto key = ReadPem(tls->key_file, "key_file");
  if (!key) return tl::unexpected(key.error());
  Result<std::string> ca = std::string();
  if (!tls->client_ca_file.empty()) ca = ReadPem(tls->client_ca_file, "client_ca_file");
  if (!ca) return tl::unexpected(ca.error());
  if (tls->reload_interval.count() > 0) return Watched(*tls);
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({std::move(*key), std::move(*cert)});
  if (!ca->empty()) {
    options.pem_root_certs = std::move(*ca);
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

}  // namespace wirespan::gateway
