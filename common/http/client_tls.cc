#include <arpa/inet.h>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "common/http/client_session.h"
#include "common/http/tls.h"

namespace wirespan::http::internal {
namespace {

using TlsStream = asio::ssl::stream<Tcp::socket>;

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

class TlsConnection final : public ClientSession<TlsStream> {
 public:
  TlsConnection(asio::io_context& context, std::shared_ptr<asio::ssl::context> tls, bool verify)
      : ClientSession(context, *tls), tls_(std::move(tls)), verify_(verify) {}

 private:
  void Secure() override {
    step_ = "TLS with " + route_.server_name;
    SSL* ssl = stream_.native_handle();
    if (!IsAddress(route_.server_name)) SSL_set_tlsext_host_name(ssl, route_.server_name.c_str());
    boost::system::error_code error;
    if (verify_) {
      stream_.set_verify_mode(asio::ssl::verify_peer, error);
      stream_.set_verify_callback(asio::ssl::host_name_verification(route_.server_name), error);
    } else {
      stream_.set_verify_mode(asio::ssl::verify_none, error);
    }
    if (!OpenStep(error)) return;
    stream_.async_handshake(asio::ssl::stream_base::client,
                            [self = Self()](boost::system::error_code failed) {
                              auto& connection = static_cast<TlsConnection&>(*self);
                              if (connection.OpenStep(failed)) connection.Opened();
                            });
  }

  // OpenSSL's error says only that the verification failed; its result says why.
  std::string Explain(const boost::system::error_code& error) override {
    std::string text = error.message();
    if (error.category() != asio::error::get_ssl_category() || !verify_) return text;
    const long why = SSL_get_verify_result(stream_.native_handle());
    if (why != X509_V_OK) return text + ": " + X509_verify_cert_error_string(why);
    if (text.find("certificate verify failed") != std::string::npos) {
      return text + ": the certificate is not for " + route_.server_name;
    }
    return text;
  }

  const std::shared_ptr<asio::ssl::context> tls_;
  const bool verify_;
};

}  // namespace

std::shared_ptr<Connection> MakeTlsConnection(asio::io_context& context,
                                              std::shared_ptr<asio::ssl::context> tls,
                                              bool verify) {
  return std::make_shared<TlsConnection>(context, std::move(tls), verify);
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
