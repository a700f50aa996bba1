#include "agent/connection/address.h"

#include <arpa/inet.h>

namespace wirespan::connection {

std::string AddressText(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = "";
  switch (endpoint.family) {
    case Family::kInet:
      inet_ntop(AF_INET, endpoint.ip.data(), text, sizeof text);
      return text;
    case Family::kInet6:
      inet_ntop(AF_INET6, endpoint.ip.data(), text, sizeof text);
      return text;
    case Family::kUnix:
      return endpoint.path;
    case Family::kUnknown:
      break;
  }
  return "";
}

}  // namespace wirespan::connection
