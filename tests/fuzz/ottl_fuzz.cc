#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/pipeline/ottl_condition.h"

// A condition and, behind a zero byte, the bytes of an item that it is asked about.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirespan::gateway;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\0');
  const std::string_view text = input.substr(0, end);
  const std::string_view item =
      end == std::string_view::npos ? std::string_view{} : input.substr(end + 1);
  for (const OttlScope scope : {OttlScope::kResource, OttlScope::kSpan, OttlScope::kSpanEvent,
                                OttlScope::kMetric, OttlScope::kDataPoint, OttlScope::kLog}) {
    const auto condition = OttlCondition::Parse(text, scope);
    if (!condition) {
      if (condition.error().message.find("column ") == std::string::npos &&
          text.size() <= 64 * 1024) {
        __builtin_trap();  // each mistake has its place
      }
      continue;
    }
    OttlContext context;
    context.resource.Set(item);
    context.scope.Set(item);
    context.metric.Set(item);
    context.item.Set(item);
    context.event.Set(item);
    for (const std::uint32_t field : {5u, 9u, 10u}) {
      context.point_field = field;
      const auto first = condition->Evaluate(context);
      if (condition->Evaluate(context) != first) __builtin_trap();
    }
  }
  return 0;
}
