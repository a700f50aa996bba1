#pragma once

#include <string_view>

namespace wirespan::http1 {

// Reads one head with libhttp-parser and with ours; what the oracle takes, ours must take alike.
// Aborts if not. Left out, because ours is stricter or more tolerant on purpose: HTTP/0.9 and
// versions other than 1.x, status codes without three digits, heads whose framing the oracle
// refuses.
void CompareRequestWithOracle(std::string_view input);
void CompareResponseWithOracle(std::string_view input);

}  // namespace wirespan::http1
