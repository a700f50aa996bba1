#include "common/http/client_transport.h"

namespace wirespan::http::internal {

ClientTransport MakePlainTransport(asio::io_context& context) {
  auto transport = std::make_unique<PlainTransport<Tcp::socket>>(context);
  Tcp::socket* lowest = &transport->lower();
  return {.transport = std::move(transport), .lowest = lowest};
}

}  // namespace wirespan::http::internal
