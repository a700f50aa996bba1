#pragma once

namespace wirespan {

// The project's version, from CMakeLists.txt: "0.1.0".
extern const char* const kVersion;

}  // namespace wirespan
