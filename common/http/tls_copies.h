#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/http/tls_files.h"

namespace wirespan::http {

// Copies of certificate files for a library that watches files by itself and would also take broken
// ones: the copies change only to what can be used (CheckTlsFiles); until then they stay as they
// were. They are in memory (memfd), have names that only this process can open, and go with this
// object: whoever reads them has to be gone first.
class TlsCopies {
 public:
  // Looks at the files every `interval` on a thread of its own, and says there what became of each
  // change, if `told` is given. An error: they can't be used now.
  static Result<std::unique_ptr<TlsCopies>> Start(
      const TlsFiles& files, std::chrono::milliseconds interval,
      std::function<void(const Result<>&)> told = nullptr);

  // Certificates and their key one after the other in one file, so that a reader never meets a key
  // with the certificate of another; and the authorities. Empty if `files` has none.
  const std::string& identity_path() const { return identity_.path; }
  const std::string& ca_path() const { return ca_.path; }

 private:
  // One name that always opens the last content it was given.
  struct Copy {
    UniqueFd fd{};
    std::string path{};
    Result<> Replace(UniqueFd next);
  };

  explicit TlsCopies(const TlsFiles& files) : files_(files) {}
  Result<> Refresh();

  const TlsFiles files_;
  std::string stamp_{};
  Copy identity_{};
  Copy ca_{};
  std::jthread thread_{};
};

}  // namespace wirespan::http
