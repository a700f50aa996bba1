// Calls of one direction: each is 1 byte of what happens to it, 1 byte of length (times 9), then
// that many bytes. The machine of the kernel makes progress, stays in its bounds, and tells every
// byte once and as it was; what it told is masked within the same bounds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/kernel/header_mask.h"
#include "tests/unit/bpf/infer/walker.h"

using namespace wirespan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const auto mode = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  frame_test::Walker walker(0, static_cast<ws_h2_mode>(mode % 3), mode < 128 ? 16384 : 300);
  walker.Guessed(mode % 7 == 3);
  if (mode % 5 == 0) ws_h2_expect_preface(&walker.state(), WS_PREFACE);
  std::string stream;
  bool ordered = true;
  while (input.size() >= 2) {
    const auto kind = static_cast<unsigned char>(input[0]);
    const std::size_t length = std::size_t{9} * static_cast<unsigned char>(input[1]);
    input.remove_prefix(2);
    const std::string_view bytes = input.substr(0, length);
    input.remove_prefix(bytes.size());
    if (bytes.empty()) continue;
    if (kind % 16 == 1) {
      walker.Pass(bytes.size() * 100);
      stream.append(bytes.size() * 100, '\0');
    } else if (kind % 16 == 2) {
      walker.Miss(bytes.size());
      stream.append(bytes.size(), '\0');
    } else if (kind % 16 == 3 && stream.size() > bytes.size()) {
      ordered = false;
      walker.CallAt(stream.size() - bytes.size(), bytes);
    } else {
      walker.Call(bytes);
      stream += bytes;
    }
  }
  walker.Close();
  kernel::HeaderMask mask;
  std::uint64_t reached = 0;
  for (const auto& told : walker.told()) {
    if (told.end <= told.offset || told.captured.size() > told.end - told.offset) std::abort();
    if (ordered) {
      // Behind "101" bytes that are no HTTP/2 are not told.
      if (told.offset < reached || (told.offset > reached && mode % 3 != WS_H2_UPGRADED))
        std::abort();
      reached = told.end;
      if (std::string_view(stream).substr(told.offset, told.captured.size()) != told.captured)
        std::abort();
    }
    if (told.run_frames != 0 &&
        told.end - told.offset != told.run_payload + std::uint64_t{9} * told.run_frames)
      std::abort();
    connection::DataEvent event{};
    event.offset = told.offset;
    event.end_offset = told.end;
    event.frame_start = told.frame_start;
    event.run = {.stream = told.run_stream, .frames = told.run_frames, .payload = told.run_payload};
    std::string masked = told.captured;
    mask.Apply(event, masked);
    if (masked.size() != told.captured.size()) std::abort();
  }
  return 0;
}
