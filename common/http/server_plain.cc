#include "common/http/server_transport.h"

namespace wirespan::http::internal {

ServerTransport MakePlainTransport(Socket socket) {
  auto transport = std::make_unique<PlainTransport<PlainStream>>(std::move(socket));
  PlainStream* lowest = &transport->lower();
  return {.transport = std::move(transport), .lowest = lowest};
}

}  // namespace wirespan::http::internal
