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

std::shared_ptr<SessionBase> MakeSession(std::shared_ptr<Core> core, std::string peer,
                                         ServerTransport transport);

}  // namespace wirespan::http::internal
