#pragma once

#include <string>

#include "common/base/result.h"

namespace wirespan::http {

// What a TLS configuration reads from disk; an empty name is none.
struct TlsFiles {
  std::string certificate_file{};
  std::string key_file{};
  std::string ca_file{};
};

// They could be used as they are now: readable, PEM, the key is the certificate's. The error names
// the file.
Result<> CheckTlsFiles(const TlsFiles& files);

// Differs as soon as one of the files does (inode, size, time), without reading them.
std::string StampOf(const TlsFiles& files);

}  // namespace wirespan::http
