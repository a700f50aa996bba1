#include <arpa/inet.h>

#include <boost/asio/ssl/host_name_verification.hpp>

#include "common/http/client_transport.h"
#include "common/http/tls.h"
#include "common/http/transport_tls.h"

namespace wirespan::http::internal {
namespace {

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

ClientTransport MakeTlsTransport(asio::io_context& context, std::shared_ptr<asio::ssl::context> tls,
                                 bool verify) {
  auto transport = std::make_unique<TlsTransport<Tcp::socket>>(Tcp::socket(context), std::move(tls),
                                                               asio::ssl::stream_base::client);
  TlsTransport<Tcp::socket>* raw =
      transport.get();  // the callbacks live in the session that owns it
  ClientTransport made;
  made.lowest = &raw->lower();
  made.name_server = [raw, verify](const std::string& name) {
    if (!IsAddress(name)) SSL_set_tlsext_host_name(raw->native(), name.c_str());
    boost::system::error_code error;
    raw->stream().set_verify_mode(verify ? asio::ssl::verify_peer : asio::ssl::verify_none, error);
    if (!error && verify)
      raw->stream().set_verify_callback(asio::ssl::host_name_verification(name), error);
    return error;
  };
  // OpenSSL's error says only that the verification failed; its result says why.
  made.explain = [raw, verify](const boost::system::error_code& error, const std::string& name) {
    std::string text = error.message();
    if (error.category() != asio::error::get_ssl_category() || !verify) return text;
    const long why = SSL_get_verify_result(raw->native());
    if (why != X509_V_OK && why != X509_V_ERR_UNSPECIFIED) {
      return text + ": " + X509_verify_cert_error_string(why);
    }
    if (text.find("certificate verify failed") != std::string::npos) {
      return text + ": the certificate is not for " + name;
    }
    return text;
  };
  made.transport = std::move(transport);
  return made;
}

Result<std::shared_ptr<asio::ssl::context>> MakeClientTls(const TlsClientOptions& options) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  if (!options.insecure_skip_verify || !options.ca_file.empty()) {
    if (auto set = SetTrust(*context, options.ca_file); !set) {
      return tl::unexpected<Error>(std::move(set.error()));
    }
  }
  if (!options.certificate_file.empty() || !options.key_file.empty()) {
    if (auto set = SetIdentity(*context, options.certificate_file, options.key_file); !set) {
      return tl::unexpected<Error>(std::move(set.error()));
    }
  }
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context->native_handle(), kProtocols, sizeof(kProtocols) - 1);
  return context;
}

}  // namespace wirespan::http::internal
