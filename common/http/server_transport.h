#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <memory>

#include "common/http/server_core.h"
#include "common/http/transport.h"

namespace wirespan::http::internal {

namespace beast = boost::beast;

using PlainStream = beast::basic_stream<asio::generic::stream_protocol>;  // a socket with deadlines

struct ServerTransport {
  std::unique_ptr<Transport> transport{};
  PlainStream* lowest = nullptr;  // inside it: deadlines, and closing
};

ServerTransport MakePlainTransport(Socket socket);
ServerTransport MakeTlsTransport(Socket socket, std::shared_ptr<asio::ssl::context> tls);

// A connection whose protocol is not known yet: greets (TLS), reads the first bytes and goes on as
// one of the two below.
std::shared_ptr<SessionBase> MakeOpening(std::shared_ptr<Core> core, std::string peer,
                                         ServerTransport transport);
// HTTP/1. `received` are bytes that were read already. `ends`: see EndOfAge.
std::shared_ptr<SessionBase> MakeHttp1Session(
    std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
    std::string_view received, std::optional<std::chrono::steady_clock::time_point> ends);
std::shared_ptr<SessionBase> MakeHttp2Session(
    std::shared_ptr<Core> core, std::string peer, ServerTransport transport,
    std::string_view received, std::optional<std::chrono::steady_clock::time_point> ends);

}  // namespace wirespan::http::internal
