#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "agent/process/held_file.h"

namespace wirespan::kernel {

// Takes what the iterator of open files writes (bpf/abi/census.h), however it is cut into pieces.
class CensusReader {
 public:
  explicit CensusReader(std::function<void(const process::HeldFile&)> visit)
      : visit_(std::move(visit)) {}

  // False: these are not the iterator's bytes; what comes later is not looked at.
  bool Feed(std::string_view bytes);
  // The last record came, nothing is half there, and the reader sees the processes of the machine.
  bool whole() const { return ended_ && !broken_ && sees_all_ && held_.empty(); }

 private:
  // Bytes of the first record, 0: it is not there in full, or none.
  std::size_t TakeRecord(std::string_view bytes);

  std::function<void(const process::HeldFile&)> visit_;
  std::string held_{};  // of a record: less than the longest
  std::string path_{};
  bool ended_ = false;
  bool broken_ = false;
  bool sees_all_ = false;
};

}  // namespace wirespan::kernel
