#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/value.h"

namespace wirespan::config {

// The environment: a variable's value, nullopt if unset.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment ProcessEnvironment();

// Reads a file that ${file:PATH} names. The error is the reason, without the path.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

// Replaces references in all scalars (not in keys), as the OpenTelemetry Collector does:
//
//   ${env:NAME}  ${NAME}      the variable's value, empty (and a warning) if it is unset
//   ${env:NAME:-default}      the default if it is unset or empty
//   ${file:PATH}              the file's content, without line ends at its end
//   $$                        a dollar sign
//
// A scalar that is one reference and nothing else is typed after the replacement: it may become a
// number, a boolean, null, or a map or list if the variable holds one. References inside variables
// are replaced too, to a bounded depth. Other schemes, and ${file:} where there is no reader, are
// problems.
void Expand(Value& value, const Environment& environment, const FileReader& read_file,
            std::vector<Problem>& problems, std::vector<Problem>& warnings);

}  // namespace wirespan::config
