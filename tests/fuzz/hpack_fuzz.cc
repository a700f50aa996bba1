// Header blocks: each is 1 byte of what happens to it, 1 byte of length, then that many bytes. What
// nghttp2 accepts we read alike, at any cut; a decoder that missed some of it says nothing else.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "agent/protocol/hpack/decoder.h"
#include "tests/unit/agent/protocol/hpack/oracle.h"

using namespace wirespan;
using namespace wirespan::hpack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::optional<testing::OracleDecoder> oracle{std::in_place};
  Decoder whole({}, true, Keep::kAll);
  Decoder late({.unknown_table_bytes = 300, .max_table_bytes = 600}, false);
  Scratch scratch;
  while (input.size() >= 2) {
    const auto kind = static_cast<unsigned char>(input[0]);
    const auto length = static_cast<unsigned char>(input[1]);
    input.remove_prefix(2);
    const std::string_view block = input.substr(0, length);
    input.remove_prefix(block.size());

    const std::size_t cut = kind % (block.size() + 1);
    testing::Collector collector;
    whole.BeginBlock();
    auto result = whole.Decode(block.substr(0, cut), scratch, collector);
    if (result.status != protocol::ParseStatus::kInvalid) {
      result = whole.Decode(block.substr(result.consumed), scratch, collector);
    }
    if (oracle) {
      const auto expected = oracle->Decode(block);
      if (!expected) {
        oracle.reset();
      } else if (result.status != protocol::ParseStatus::kComplete ||
                 collector.headers() != *expected) {
        std::abort();
      }
    }
    if (result.status != protocol::ParseStatus::kComplete) whole.Lose();

    if (kind % 3 == 0) {
      late.Lose();
    } else {
      testing::Collector seen;
      late.BeginBlock();
      if (late.Decode(block, scratch, seen).status != protocol::ParseStatus::kComplete) late.Lose();
    }
    if (late.table().bytes() > 600 || whole.table().bytes() > 64u << 10) std::abort();
    if (kind % 5 == 0) {
      std::string copy;
      whole.table().Serialize(copy);
      auto table = DynamicTable::Restore(copy, 64u << 10);
      if (!table || table->size() != whole.table().size()) std::abort();
      const std::size_t bound = whole.table().bound_bytes();
      table->SetBound(bound);
      whole.Adopt(std::move(*table));
      oracle.reset();  // the bound is another one now
    }
    (void)DynamicTable::Restore(block, 1000);
  }
  return 0;
}
