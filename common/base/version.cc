#include "common/base/version.h"

namespace wirespan {

const char* const kVersion = WIRESPAN_VERSION;

}  // namespace wirespan
