#include "gateway/pipeline/ottl_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "common/base/strings.h"
#include "gateway/pipeline/match_properties.h"
#include "gateway/pipeline/pattern.h"

namespace wirespan::gateway {

namespace {

using Kind = OttlValue::Kind;
using Values = std::span<const OttlValue>;
// False: context.error is set.
using Body = bool (*)(OttlContext& context, Values arguments, OttlValue& result);

bool Wrong(OttlContext& context, std::string error) {
  context.error = std::move(error);
  return false;
}

template <Kind kind>
bool Is(OttlContext&, Values arguments, OttlValue& result) {
  result = OttlValue::Bool(arguments[0].kind == kind);
  return true;
}

// Ids that are all zeros are none.
bool IsRootSpan(OttlContext& context, Values, OttlValue& result) {
  const otlp::Field* parent = context.item.Find(4, otlp::WireType::kBytes);
  result = OttlValue::Bool(parent == nullptr ||
                           parent->bytes.find_first_not_of('\0') == std::string_view::npos);
  return true;
}

bool Len(OttlContext& context, Values arguments, OttlValue& result) {
  const OttlValue& value = arguments[0];
  if (value.kind == Kind::kString || value.kind == Kind::kBytes) {
    result = OttlValue::Int(static_cast<std::int64_t>(value.bytes.size()));
    return true;
  }
  if (value.kind != Kind::kArray && value.kind != Kind::kMap) {
    return Wrong(context, fmt::format("Len: {} has no length", KindName(value.kind)));
  }
  const auto field = value.kind == Kind::kArray ? 1 : static_cast<std::uint32_t>(value.bits);
  std::int64_t count = 0;
  otlp::Reader reader(value.bytes);
  for (otlp::Field each; reader.Next(each);) {
    if (each.Is(field, otlp::WireType::kBytes)) ++count;
  }
  result = OttlValue::Int(count);
  return true;
}

bool ToInt(OttlContext&, Values arguments, OttlValue& result) {
  const OttlValue& value = arguments[0];
  result = OttlValue::Nil();
  if (value.kind == Kind::kInt) result = value;
  if (value.kind == Kind::kBool) result = OttlValue::Int(value.AsBool() ? 1 : 0);
  if (value.kind == Kind::kDouble && std::abs(value.AsDouble()) < 9.2e18) {
    result = OttlValue::Int(static_cast<std::int64_t>(value.AsDouble()));
  }
  if (value.kind == Kind::kString) {
    if (const auto number = ParseInt(value.bytes)) result = OttlValue::Int(*number);
  }
  return true;
}

bool ToDouble(OttlContext&, Values arguments, OttlValue& result) {
  const OttlValue& value = arguments[0];
  result = OttlValue::Nil();
  if (value.is_number()) result = OttlValue::Double(value.AsNumber());
  if (value.kind == Kind::kBool) result = OttlValue::Double(value.AsBool() ? 1 : 0);
  if (value.kind == Kind::kString) {
    if (const auto number = ParseGoDouble(value.bytes)) result = OttlValue::Double(*number);
  }
  return true;
}

bool ToText(OttlContext& context, Values arguments, OttlValue& result) {
  std::string text;
  result = AppendText(text, arguments[0]) ? OttlValue::String(context.arena.Keep(text))
                                          : OttlValue::Nil();
  return true;
}

template <std::string (*convert)(std::string_view)>
bool Case(OttlContext& context, Values arguments, OttlValue& result) {
  if (arguments[0].kind != Kind::kString) {
    return Wrong(context, fmt::format("{} is no string", KindName(arguments[0].kind)));
  }
  result = OttlValue::String(context.arena.Keep(convert(arguments[0].bytes)));
  return true;
}
std::string Lower(std::string_view text) { return AsciiLower(text); }
std::string Upper(std::string_view text) { return AsciiUpper(text); }

template <bool (*test)(std::string_view, std::string_view)>
bool Text(OttlContext& context, Values arguments, OttlValue& result) {
  std::string text;
  if (!AppendText(text, arguments[0])) {
    result = OttlValue::Bool(false);
    return true;
  }
  if (arguments[1].kind != Kind::kString) {
    return Wrong(context, fmt::format("{} is no string", KindName(arguments[1].kind)));
  }
  result = OttlValue::Bool(test(text, arguments[1].bytes));
  return true;
}
bool StartsWith(std::string_view text, std::string_view part) { return text.starts_with(part); }
bool EndsWith(std::string_view text, std::string_view part) { return text.ends_with(part); }

bool ToDuration(OttlContext& context, Values arguments, OttlValue& result) {
  std::int64_t ns = 0;
  if (arguments[0].kind != Kind::kString || !ParseGoDuration(arguments[0].bytes, ns)) {
    return Wrong(context, "Duration: no duration; it is written like \"1.5s\" or \"2m\"");
  }
  result = OttlValue::Duration(ns);
  return true;
}

template <std::int64_t unit, bool whole>
bool InUnits(OttlContext& context, Values arguments, OttlValue& result) {
  if (arguments[0].kind != Kind::kDuration) {
    return Wrong(context, fmt::format("{} is no duration", KindName(arguments[0].kind)));
  }
  const std::int64_t ns = arguments[0].AsInt();
  result = whole ? OttlValue::Int(ns / unit)
                 : OttlValue::Double(static_cast<double>(ns) / static_cast<double>(unit));
  return true;
}

// An id from its bytes (0x...) or its text.
template <std::size_t size>
bool ToId(OttlContext& context, Values arguments, OttlValue& result) {
  const OttlValue& value = arguments[0];
  if (value.kind == Kind::kBytes && value.bytes.size() == size) {
    result = value;
    return true;
  }
  if (value.kind == Kind::kString && value.bytes.size() == 2 * size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) {
      const auto byte = ParseHex(value.bytes.substr(2 * i, 2));
      if (!byte) break;
      bytes += static_cast<char>(*byte);
    }
    if (bytes.size() == size) {
      result = OttlValue::Bytes(context.arena.Keep(bytes));
      return true;
    }
  }
  return Wrong(context, fmt::format("an id of {} bytes is expected", size));
}

// Asks all points of the metric.
template <class Test>
bool AnyPoint(OttlContext& context, Test test) {
  otlp::Reader metric(context.metric.view());
  for (otlp::Field data; metric.Next(data);) {
    if (data.type != otlp::WireType::kBytes || data.number < 5 || data.number > 11) continue;
    const std::uint32_t field = AttributesField(otlp::Signal::kMetrics, data.number);
    otlp::Reader points(data.bytes);
    for (otlp::Field point; points.Next(point);) {
      if (!point.Is(1, otlp::WireType::kBytes)) continue;
      IndexedMessage message;
      message.Set(point.bytes);
      if (test(message, field)) return true;
    }
  }
  return false;
}

bool HasKey(IndexedMessage& message, std::uint32_t field, std::string_view key) {
  otlp::Reader reader(message.view());
  for (otlp::Field each; reader.Next(each);) {
    if (!each.Is(field, otlp::WireType::kBytes)) continue;
    otlp::Reader pair(each.bytes);
    for (otlp::Field part; pair.Next(part);) {
      if (part.Is(1, otlp::WireType::kBytes) && part.bytes == key) return true;
    }
  }
  return false;
}

bool HasAttrKeyOnDatapoint(OttlContext& context, Values arguments, OttlValue& result) {
  if (arguments[0].kind != Kind::kString) return Wrong(context, "the key is no string");
  result = OttlValue::Bool(AnyPoint(context, [&](IndexedMessage& point, std::uint32_t field) {
    return HasKey(point, field, arguments[0].bytes);
  }));
  return true;
}

bool HasAttrOnDatapoint(OttlContext& context, Values arguments, OttlValue& result) {
  if (arguments[0].kind != Kind::kString || arguments[1].kind != Kind::kString) {
    return Wrong(context, "key and value must be strings");
  }
  result = OttlValue::Bool(AnyPoint(context, [&](IndexedMessage& point, std::uint32_t field) {
    return Compare(point.Attribute(field, arguments[0].bytes), OttlOrder::kEqual, arguments[1]);
  }));
  return true;
}

constexpr std::int64_t kMicrosecond = 1000;
constexpr std::int64_t kMillisecond = 1000 * kMicrosecond;
constexpr std::int64_t kSecond = 1000 * kMillisecond;

enum class For : std::uint8_t { kAll, kSpans, kMetric };

struct Function {
  std::string_view name;
  std::size_t arguments;
  Body body;  // null: IsMatch, whose pattern is compiled once
  For where = For::kAll;
};

constexpr Function kFunctions[] = {
    {"Double", 1, ToDouble},
    {"Duration", 1, ToDuration},
    {"HasAttrKeyOnDatapoint", 1, HasAttrKeyOnDatapoint, For::kMetric},
    {"HasAttrOnDatapoint", 2, HasAttrOnDatapoint, For::kMetric},
    {"HasPrefix", 2, Text<StartsWith>},
    {"HasSuffix", 2, Text<EndsWith>},
    {"Hours", 1, InUnits<3600 * kSecond, false>},
    {"Int", 1, ToInt},
    {"IsBool", 1, Is<Kind::kBool>},
    {"IsDouble", 1, Is<Kind::kDouble>},
    {"IsInt", 1, Is<Kind::kInt>},
    {"IsList", 1, Is<Kind::kArray>},
    {"IsMap", 1, Is<Kind::kMap>},
    {"IsMatch", 2, nullptr},
    {"IsRootSpan", 0, IsRootSpan, For::kSpans},
    {"IsString", 1, Is<Kind::kString>},
    {"Len", 1, Len},
    {"Microseconds", 1, InUnits<kMicrosecond, true>},
    {"Milliseconds", 1, InUnits<kMillisecond, true>},
    {"Minutes", 1, InUnits<60 * kSecond, false>},
    {"Nanoseconds", 1, InUnits<1, true>},
    {"Seconds", 1, InUnits<kSecond, false>},
    {"SpanID", 1, ToId<8>},
    {"String", 1, ToText},
    {"ToLowerCase", 1, Case<Lower>},
    {"ToUpperCase", 1, Case<Upper>},
    {"TraceID", 1, ToId<16>},
};

bool KnownIn(const Function& function, OttlScope scope) {
  switch (function.where) {
    case For::kAll:
      return true;
    case For::kSpans:
      return scope == OttlScope::kSpan || scope == OttlScope::kSpanEvent;
    case For::kMetric:
      return scope == OttlScope::kMetric;
  }
  return false;
}

constexpr std::size_t kMaxArguments = 2;

class Call : public OttlNode {
 public:
  Call(Body body, std::vector<OttlArgument> arguments)
      : body_(body), arguments_(std::move(arguments)) {}
  Role role() const override { return Role::kEither; }

  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    OttlValue values[kMaxArguments];
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (!arguments_[i].node->Evaluate(context, values[i])) return false;
    }
    return body_(context, {values, arguments_.size()}, value);
  }

 private:
  const Body body_;
  const std::vector<OttlArgument> arguments_;
};

class IsMatch : public OttlNode {
 public:
  IsMatch(OttlNodePtr target, Pattern pattern)
      : target_(std::move(target)), pattern_(std::move(pattern)) {}
  Role role() const override { return Role::kEither; }

  bool Evaluate(OttlContext& context, OttlValue& value) const override {
    OttlValue target;
    if (!target_->Evaluate(context, target)) return false;
    if (target.kind == Kind::kString) {
      value = OttlValue::Bool(pattern_.Matches(target.bytes));
      return true;
    }
    std::string text;
    value = OttlValue::Bool(AppendText(text, target) && pattern_.Matches(text));
    return true;
  }

 private:
  const OttlNodePtr target_;
  const Pattern pattern_;
};

}  // namespace

bool ParseGoDuration(std::string_view text, std::int64_t& ns) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  if (text == "0") {
    ns = 0;
    return true;
  }
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1},      {"us", kMicrosecond},  {"\xc2\xb5s", kMicrosecond}, {"ms", kMillisecond},
      {"s", kSecond}, {"m", 60.0 * kSecond}, {"h", 3600.0 * kSecond}};
  double total = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return false;
    const auto number = ParseDouble(text.substr(0, digits));
    if (!number) return false;
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789."), text.size());
    const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& each) {
      return each.first == text.substr(0, letters);
    });
    if (unit == std::end(kUnits)) return false;
    total += *number * unit->second;
    text.remove_prefix(letters);
  }
  if (total >= 9.2e18) return false;
  ns = static_cast<std::int64_t>(std::llround(total));
  if (negative) ns = -ns;
  return true;
}

std::vector<std::string> OttlFunctions(OttlScope scope) {
  std::vector<std::string> names;
  for (const Function& function : kFunctions) {
    if (KnownIn(function, scope)) names.emplace_back(function.name);
  }
  return names;
}

Result<OttlNodePtr> MakeOttlCall(std::string_view name, OttlScope scope,
                                 std::vector<OttlArgument> arguments) {
  const auto* function = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                      [&](const Function& each) { return each.name == name; });
  if (function == std::end(kFunctions) || !KnownIn(*function, scope)) {
    const std::vector<std::string> known = OttlFunctions(scope);
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    const auto near = Nearest(name, candidates);
    return Fail(ErrorCode::kInvalidArgument,
                near ? fmt::format("there is no function {} (did you mean {}?)", name, *near)
                     : fmt::format("there is no function {} (there are: {})", name,
                                   fmt::join(known, ", ")));
  }
  if (arguments.size() != function->arguments) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} takes {} argument{}, not {}", name, function->arguments,
                            function->arguments == 1 ? "" : "s", arguments.size()));
  }
  if (function->body != nullptr) {
    return OttlNodePtr(std::make_unique<Call>(function->body, std::move(arguments)));
  }
  const OttlValue* text = arguments[1].literal;
  if (text == nullptr || text->kind != Kind::kString) {
    return Fail(ErrorCode::kInvalidArgument, "the pattern of IsMatch must be a text in quotes");
  }
  auto pattern = Pattern::Compile(text->bytes);
  if (!pattern) return tl::unexpected(pattern.error());
  return OttlNodePtr(std::make_unique<IsMatch>(std::move(arguments[0].node), std::move(*pattern)));
}

}  // namespace wirespan::gateway
