#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/http/client_connection.h"
#include "common/http/transport.h"

namespace wirespan::http::internal {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

struct ClientTransport {
  std::unique_ptr<Transport> transport{};
  Tcp::socket* lowest = nullptr;  // inside it: connecting and closing
  // TLS only. Before the handshake: whom to expect.
  std::function<boost::system::error_code(const std::string& server_name)> name_server{};
  // TLS only: an error in words that say why a certificate was refused.
  std::function<std::string(const boost::system::error_code&, const std::string& server_name)>
      explain{};
};

ClientTransport MakePlainTransport(asio::io_context& context);
ClientTransport MakeTlsTransport(asio::io_context& context, std::shared_ptr<asio::ssl::context> tls,
                                 bool verify);

std::shared_ptr<Connection> MakeConnection(asio::io_context& context, ClientTransport transport);

}  // namespace wirespan::http::internal
