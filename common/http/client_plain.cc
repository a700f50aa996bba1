#include "common/http/client_session.h"

namespace wirespan::http::internal {
namespace {

class PlainConnection final : public ClientSession<Tcp::socket> {
 public:
  using ClientSession::ClientSession;

 private:
  void Secure() override { Opened(); }
};

}  // namespace

std::shared_ptr<Connection> MakePlainConnection(asio::io_context& context) {
  return std::make_shared<PlainConnection>(context);
}

std::string Route::key() const {
  return (tls ? "s " : "p ") + host + " " + std::to_string(port) + " " + tunnel;
}

}  // namespace wirespan::http::internal
