#include "common/http/server_session.h"

namespace wirespan::http::internal {
namespace {

class PlainSession final : public Session<PlainStream> {
 public:
  using Session::Session;
  void Start() override { ReadHead(); }

 private:
  void Shutdown() override { Linger(); }
};

}  // namespace

std::shared_ptr<SessionBase> MakePlainSession(std::shared_ptr<Core> core, Socket socket,
                                              std::string peer) {
  return std::make_shared<PlainSession>(std::move(core), std::move(peer), std::move(socket));
}

}  // namespace wirespan::http::internal
