#include "gateway/sink/store/term.h"

#include "common/base/hash.h"

namespace wirespan::gateway::store {

namespace {

Term Fold(std::string_view text) { return static_cast<Term>(Hash64(text) >> 32); }

}  // namespace

Term TraceTerm(const TraceId& id) { return Fold("t" + ToBytes(id)); }

Term ServiceTerm(std::string_view service) { return Fold("s" + std::string(service)); }

Term OperationTerm(std::string_view service, std::string_view operation) {
  std::string text = "o" + std::string(service);
  text.push_back('\0');
  return Fold(text.append(operation));
}

Term TagTerms::Of(std::string_view key, std::string_view value) {
  scratch_.assign(1, 'a');
  scratch_.append(key).push_back('\0');
  scratch_.append(value);
  return Fold(scratch_);
}

}  // namespace wirespan::gateway::store
