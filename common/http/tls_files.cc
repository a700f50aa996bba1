#include "common/http/tls_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/http/tls.h"

namespace wirespan::http {

Result<> CheckTlsFiles(const TlsFiles& files) {
  boost::asio::ssl::context context(boost::asio::ssl::context::tls);
  if (!files.certificate_file.empty() || !files.key_file.empty()) {
    auto set = internal::SetIdentity(context, files.certificate_file, files.key_file);
    if (!set) return set;
  }
  return files.ca_file.empty() ? Result<>() : internal::SetTrust(context, files.ca_file);
}

std::string StampOf(const TlsFiles& files) {
  std::string stamp;
  for (const std::string* path : {&files.certificate_file, &files.key_file, &files.ca_file}) {
    struct stat info{};
    if (path->empty() || ::stat(path->c_str(), &info) != 0) {
      stamp += "-;";
      continue;
    }
    stamp += fmt::format("{}:{}:{}:{}.{};", info.st_dev, info.st_ino, info.st_size,
                         info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  }
  return stamp;
}

}  // namespace wirespan::http
