#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "common/base/result.h"

// What the TLS of client and server have in common. Errors name the file and the reason.
namespace wirespan::http::internal {

// Certificate chain and private key (PEM); also sets TLS 1.2 as the oldest version.
Result<> SetIdentity(boost::asio::ssl::context& context, const std::string& certificate_file,
                     const std::string& key_file);
// Trusts the certificates of a PEM file, or the system's if the name is empty.
Result<> SetTrust(boost::asio::ssl::context& context, const std::string& ca_file);

}  // namespace wirespan::http::internal
