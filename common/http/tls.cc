#include "common/http/tls.h"

#include <unistd.h>

#include <cerrno>

namespace wirespan::http::internal {
namespace {

namespace ssl = boost::asio::ssl;

Result<> Readable(const char* what, const std::string& file) {
  if (file.empty()) return Fail(ErrorCode::kInvalidArgument, std::string(what) + ": no file given");
  if (::access(file.c_str(), R_OK) != 0) return FailErrno(std::string(what) + " " + file, errno);
  return {};
}

tl::unexpected<Error> Bad(const char* what, const std::string& file,
                          const boost::system::error_code& error) {
  return Fail(ErrorCode::kInvalidArgument, std::string(what) + " " + file + ": " + error.message());
}

}  // namespace

Result<> SetIdentity(ssl::context& context, const std::string& certificate_file,
                     const std::string& key_file) {
  boost::system::error_code error;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (auto ok = Readable("certificate file", certificate_file); !ok) return ok;
  if (auto ok = Readable("key file", key_file); !ok) return ok;
  context.use_certificate_chain_file(certificate_file, error);
  if (error) return Bad("certificate file", certificate_file, error);
  context.use_private_key_file(key_file, ssl::context::pem, error);
  if (error) return Bad("key file", key_file, error);
  return {};
}

Result<> SetTrust(ssl::context& context, const std::string& ca_file) {
  boost::system::error_code error;
  if (ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (error) return Bad("system certificates", "", error);
    return {};
  }
  if (auto ok = Readable("CA file", ca_file); !ok) return ok;
  context.load_verify_file(ca_file, error);
  if (error) return Bad("CA file", ca_file, error);
  return {};
}

}  // namespace wirespan::http::internal
