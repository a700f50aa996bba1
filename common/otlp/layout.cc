#include "common/otlp/layout.h"

#include "common/otlp/walk.h"

namespace wirespan::otlp {
namespace {

constexpr std::uint32_t Bits(std::initializer_list<unsigned> numbers) {
  std::uint32_t bits = 0;
  for (const unsigned number : numbers) bits |= 1u << number;
  return bits;
}

constexpr Path kItemPath{3, {Bits({1}), Bits({2}), Bits({2})}};
constexpr Path kSamplePath{4, {Bits({1}), Bits({2}), Bits({2}), Bits({2})}};
constexpr Path kPointPath{5, {Bits({1}), Bits({2}), Bits({2}), Bits({5, 7, 9, 10, 11}), Bits({1})}};

template <std::size_t N>
constexpr Layout Of(const Nested (&nested)[N]) {
  std::uint32_t numbers = 0;
  for (const Nested& each : nested) numbers |= 1u << each.number;
  return {nested, N, numbers};
}

// AnyValue holds ArrayValue and KeyValueList, which hold AnyValue again.
extern const Layout kAnyValue;
constexpr Nested kArrayFields[] = {{1, &kAnyValue}};
constexpr Layout kArrayValue = Of(kArrayFields);
constexpr Nested kKeyValueFields[] = {{2, &kAnyValue}};
constexpr Layout kKeyValue = Of(kKeyValueFields);
constexpr Nested kListFields[] = {{1, &kKeyValue}};
constexpr Layout kKeyValueList = Of(kListFields);
constexpr Nested kAnyFields[] = {{5, &kArrayValue}, {6, &kKeyValueList}};
constexpr Layout kAnyValue = Of(kAnyFields);

constexpr Layout kLeaf{};  // scalars alone: EntityRef, Status, Buckets, ValueAtQuantile
constexpr Nested kResourceFields[] = {{1, &kKeyValue}, {3, &kLeaf}};
constexpr Layout kResource = Of(kResourceFields);
constexpr Nested kScopeFields[] = {{3, &kKeyValue}};
constexpr Layout kScope = Of(kScopeFields);

constexpr Nested kEventFields[] = {{3, &kKeyValue}};
constexpr Layout kEvent = Of(kEventFields);
constexpr Nested kLinkFields[] = {{4, &kKeyValue}};
constexpr Layout kLink = Of(kLinkFields);
constexpr Nested kSpanFields[] = {{9, &kKeyValue}, {11, &kEvent}, {13, &kLink}, {15, &kLeaf}};
constexpr Layout kSpan = Of(kSpanFields);

constexpr Nested kRecordFields[] = {{5, &kAnyValue}, {6, &kKeyValue}};
constexpr Layout kRecord = Of(kRecordFields);

constexpr Nested kExemplarFields[] = {{7, &kKeyValue}};
constexpr Layout kExemplar = Of(kExemplarFields);
constexpr Nested kNumberFields[] = {{7, &kKeyValue}, {5, &kExemplar}};
constexpr Layout kNumber = Of(kNumberFields);
constexpr Nested kHistogramFields[] = {{9, &kKeyValue}, {8, &kExemplar}};
constexpr Layout kHistogram = Of(kHistogramFields);
constexpr Nested kExponentialFields[] = {
    {1, &kKeyValue}, {8, &kLeaf}, {9, &kLeaf}, {11, &kExemplar}};
constexpr Layout kExponential = Of(kExponentialFields);
constexpr Nested kSummaryFields[] = {{7, &kKeyValue}, {6, &kLeaf}};
constexpr Layout kSummary = Of(kSummaryFields);
constexpr Nested kNumbersFields[] = {{1, &kNumber}};
constexpr Layout kNumbers = Of(kNumbersFields);
constexpr Nested kHistogramsFields[] = {{1, &kHistogram}};
constexpr Layout kHistograms = Of(kHistogramsFields);
constexpr Nested kExponentialsFields[] = {{1, &kExponential}};
constexpr Layout kExponentials = Of(kExponentialsFields);
constexpr Nested kSummariesFields[] = {{1, &kSummary}};
constexpr Layout kSummaries = Of(kSummariesFields);
constexpr Nested kMetricFields[] = {{5, &kNumbers},       {7, &kNumbers},    {9, &kHistograms},
                                    {10, &kExponentials}, {11, &kSummaries}, {12, &kKeyValue}};
constexpr Layout kMetric = Of(kMetricFields);

// The rest of a profile, and the dictionary beside the resources, changes from version to version.
constexpr Nested kProfileFields[] = {{2, &kLeaf}};
constexpr Layout kProfile = Of(kProfileFields);

// request -1-> resource (1: Resource, 2: scope (1: InstrumentationScope, 2: item))
template <const Layout& item>
struct Envelope {
  static constexpr Nested kScopeItems[] = {{1, &kScope}, {2, &item}};
  static constexpr Layout kScopeLayout = Of(kScopeItems);
  static constexpr Nested kResourceItems[] = {{1, &kResource}, {2, &kScopeLayout}};
  static constexpr Layout kResourceLayout = Of(kResourceItems);
  static constexpr Nested kRequestItems[] = {{1, &kResourceLayout}};
  static constexpr Layout kRequest = Of(kRequestItems);
};

}  // namespace

const Path& PathOf(Signal signal) {
  if (signal == Signal::kProfiles) return kSamplePath;
  return signal == Signal::kMetrics ? kPointPath : kItemPath;
}

const Layout& RequestLayout(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return Envelope<kSpan>::kRequest;
    case Signal::kMetrics:
      return Envelope<kMetric>::kRequest;
    case Signal::kProfiles:
      return Envelope<kProfile>::kRequest;
    case Signal::kLogs:
      break;
  }
  return Envelope<kRecord>::kRequest;
}

const Layout* Layout::Find(std::uint32_t number) const {
  if (number >= 32 || ((numbers >> number) & 1u) == 0) return nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    if (nested[i].number == number) return nested[i].layout;
  }
  return nullptr;
}

bool WellFormed(const Layout& layout, std::string_view message, int depth) {
  if (depth > 2 * kMaxValueDepth) return false;  // a value's level is two messages
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    const Layout* nested = layout.Find(field.number);
    if (nested == nullptr) continue;
    if (field.type != WireType::kBytes) return false;
    if (!WellFormed(*nested, field.bytes, depth + 1)) return false;
  }
  return reader.ok();
}

}  // namespace wirespan::otlp
