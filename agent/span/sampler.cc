#include "agent/span/sampler.h"

#include <charconv>
#include <string>

#include "common/base/strings.h"

namespace wirespan::span {

Result<Sampler> Sampler::Parse(std::string_view name, std::string_view argument) {
  Sampler sampler;
  name = TrimAscii(name);
  argument = TrimAscii(argument);
  if (name.empty()) return sampler;
  std::string_view kind = name;
  constexpr std::string_view kParent = "parentbased_";
  sampler.parent_based_ = kind.starts_with(kParent);
  if (sampler.parent_based_) kind.remove_prefix(kParent.size());
  if (kind == "always_on") return sampler;
  if (kind == "always_off") {
    sampler.threshold_ = 0;
    return sampler;
  }
  if (kind != "traceidratio") {
    return Fail(
        ErrorCode::kInvalidArgument,
        "OTEL_TRACES_SAMPLER: '" + std::string(name) +
            "' is not supported; use always_on, always_off, traceidratio, parentbased_always_on, "
            "parentbased_always_off or parentbased_traceidratio");
  }
  double ratio = 1.0;
  if (!argument.empty()) {
    const auto [end, error] =
        std::from_chars(argument.data(), argument.data() + argument.size(), ratio);
    if (error != std::errc{} || end != argument.data() + argument.size() ||
        !(ratio >= 0.0 && ratio <= 1.0)) {
      return Fail(ErrorCode::kInvalidArgument, "OTEL_TRACES_SAMPLER_ARG: '" +
                                                   std::string(argument) +
                                                   "' is not a ratio; use a number from 0 to 1");
    }
  }
  sampler.threshold_ =
      ratio >= 1.0 ? kAlways : static_cast<std::uint64_t>(ratio * static_cast<double>(kAlways));
  return sampler;
}

}  // namespace wirespan::span
