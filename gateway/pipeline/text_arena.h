#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace wirespan::gateway {

// Short-lived texts that are freed together; the first block stays for the next use. Views live
// until Clear().
class TextArena {
 public:
  std::string_view Keep(std::string_view text) {
    if (text.empty()) return {};
    if (blocks_.empty() || used_ + text.size() > blocks_.back().size) {
      const std::size_t size = std::max(kBlock, text.size());
      blocks_.push_back({std::make_unique<char[]>(size), size});
      used_ = 0;
    }
    char* at = blocks_.back().bytes.get() + used_;
    std::memcpy(at, text.data(), text.size());
    used_ += text.size();
    return {at, text.size()};
  }
  void Clear() {
    if (blocks_.size() > 1 || (blocks_.size() == 1 && blocks_[0].size > kBlock)) blocks_.clear();
    used_ = 0;
  }

 private:
  static constexpr std::size_t kBlock = 4096;
  struct Block {
    std::unique_ptr<char[]> bytes{};
    std::size_t size = 0;
  };
  std::vector<Block> blocks_{};
  std::size_t used_ = 0;  // of the last block
};

}  // namespace wirespan::gateway
