#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "common/http/server_session.h"
#include "common/http/tls.h"

namespace wirespan::http::internal {
namespace {

using TlsStream = beast::ssl_stream<PlainStream>;

class TlsSession final : public Session<TlsStream> {
 public:
  TlsSession(std::shared_ptr<Core> core, std::string peer, Socket socket,
             std::shared_ptr<asio::ssl::context> tls)
      : Session(std::move(core), std::move(peer), std::move(socket), *tls), tls_(std::move(tls)) {}

  void Start() override {
    Lowest().expires_after(std::min<std::chrono::seconds>(core_->options.idle_timeout, kHandshake));
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = Self()](beast::error_code error) {
                              auto& session = static_cast<TlsSession&>(*self);
                              if (!error) return session.ReadHead();
                              ++session.core_->failed_handshakes;
                              session.Close();
                            });
  }

 private:
  static constexpr std::chrono::seconds kHandshake{10};

  void Shutdown() override {
    state_ = State::kLingering;
    Lowest().expires_after(std::chrono::seconds(2));
    stream_.async_shutdown([self = Self()](beast::error_code error) {
      auto& session = static_cast<TlsSession&>(*self);
      error == beast::error::timeout ? session.Close() : session.Linger();
    });
  }

  const std::shared_ptr<asio::ssl::context> tls_;
};

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof(kOurs) - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;  // a peer that offers nothing of ours speaks HTTP/1.1 or gets 505
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::shared_ptr<SessionBase> MakeTlsSession(std::shared_ptr<Core> core, Socket socket,
                                            std::string peer,
                                            std::shared_ptr<asio::ssl::context> tls) {
  return std::make_shared<TlsSession>(std::move(core), std::move(peer), std::move(socket),
                                      std::move(tls));
}

Result<std::shared_ptr<asio::ssl::context>> MakeServerTls(const TlsServerOptions& options) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  if (auto set = SetIdentity(*context, options.certificate_file, options.key_file); !set) {
    return tl::unexpected<Error>(std::move(set.error()));
  }
  if (!options.client_ca_file.empty()) {
    if (auto set = SetTrust(*context, options.client_ca_file); !set) {
      return tl::unexpected<Error>(std::move(set.error()));
    }
    SSL_CTX_set_verify(context->native_handle(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
    // Without it a resumed session of a verifying server is refused.
    static constexpr unsigned char kId[] = "wirespan";
    SSL_CTX_set_session_id_context(context->native_handle(), kId, sizeof(kId) - 1);
  }
  SSL_CTX_set_alpn_select_cb(context->native_handle(), ChooseProtocol, nullptr);
  return context;
}

}  // namespace wirespan::http::internal
