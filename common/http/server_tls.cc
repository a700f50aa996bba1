#include "common/http/server_transport.h"
#include "common/http/tls.h"
#include "common/http/transport_tls.h"

namespace wirespan::http::internal {
namespace {

// In the order in which we like them.
constexpr unsigned char kBoth[] = "\x02h2\x08http/1.1";
constexpr unsigned char kHttp1[] = "\x08http/1.1";

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned in_size, void* http2) {
  unsigned char* chosen = nullptr;
  const int found =
      http2 != nullptr
          ? SSL_select_next_proto(&chosen, out_size, kBoth, sizeof(kBoth) - 1, in, in_size)
          : SSL_select_next_proto(&chosen, out_size, kHttp1, sizeof(kHttp1) - 1, in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;  // a peer that offers nothing of ours speaks HTTP/1.1 or gets 505
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

ServerTransport MakeTlsTransport(Socket socket, std::shared_ptr<asio::ssl::context> tls) {
  auto transport = std::make_unique<TlsTransport<PlainStream>>(std::move(socket), std::move(tls),
                                                               asio::ssl::stream_base::server);
  PlainStream* lowest = &transport->lower();
  return {.transport = std::move(transport), .lowest = lowest};
}

Result<std::shared_ptr<asio::ssl::context>> MakeServerTls(const TlsServerOptions& options,
                                                          bool http2) {
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
  SSL_CTX_set_alpn_select_cb(context->native_handle(), ChooseProtocol,
                             http2 ? const_cast<unsigned char*>(kBoth) : nullptr);
  return context;
}

}  // namespace wirespan::http::internal
