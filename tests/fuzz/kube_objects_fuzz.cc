// What an API server answers: lists and watches of pods, cut anywhere. The first byte picks the
// kind, the second where it is cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/kube/object_stream.h"
#include "common/kube/pod.h"

namespace {

using namespace wirespan::kube;

void Require(bool condition) {
  if (!condition) std::abort();
}

// What came out, as text: the same for every cut.
std::string Read(const Projection& projection, std::string_view each, std::string_view text,
                 std::size_t piece) {
  std::string out;
  ObjectStream stream(projection, each, [&](Object& object) {
    Require(object.fields.size() <= Object::kMaxFields && object.bytes <= Object::kMaxBytes);
    for (const Field& field : object.fields) {
      Require(field.value.size() <= JsonScanner::kMaxTextBytes);
      out += std::to_string(field.path) + '/' + std::to_string(field.item) + field.key + '=' +
             field.value + '\n';
    }
    if (const auto pod = PodOf(object, {})) {
      Require(!pod->uid.empty() && pod->uid.size() <= 253 && pod->labels.size() <= 64);
      Require(pod->containers.size() <= 65);
    }
    out += '.';
    return true;
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!stream.Feed(text.substr(at, piece))) break;
  }
  return out + (stream.whole() ? "whole" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool list = data[0] % 2 == 0;
  const std::size_t piece = std::size_t{data[1]} + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  Projection projection;
  for (const std::string& field : PodFields())
    projection.Add((list ? "items[]." : "object.") + field);
  const std::string_view each = list ? "items[]" : "";
  Require(Read(projection, each, text, piece) == Read(projection, each, text, size));
  return 0;
}
