#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/sink/store/trace_id.h"

// What can be asked for by equality, as a number of 32 bits: the store's index knows nothing else.
// Two terms may have the same number, so whoever finds a page by it looks at the spans themselves.
// Written to disk: never change a computation, add a kind.
namespace wirespan::gateway::store {

using Term = std::uint32_t;

Term TraceTerm(const TraceId& id);
Term ServiceTerm(std::string_view service);
Term OperationTerm(std::string_view service, std::string_view operation);

// Of a tag's key and its value as text. Keeps its memory from call to call; one thread.
class TagTerms {
 public:
  Term Of(std::string_view key, std::string_view value);

 private:
  std::string scratch_{};
};

}  // namespace wirespan::gateway::store
