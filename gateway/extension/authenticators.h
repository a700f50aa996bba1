#pragma once

#include <memory>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "gateway/extension/extension_options.h"
#include "gateway/pipeline/auth.h"

namespace wirespan::gateway {

// basicauth. Who was let in is remembered (as a hash, for as long as the passwords' file stays the
// same), for a bcrypt check takes tens of milliseconds.
Result<std::unique_ptr<ServerAuthenticator>> CreateBasicServer(const BasicAuthOptions& options,
                                                               const Clock& clock = SystemClock());
Result<std::unique_ptr<ClientAuthenticator>> CreateBasicClient(const BasicAuthOptions& options,
                                                               const Clock& clock = SystemClock());

// bearertokenauth, either way.
Result<std::unique_ptr<ServerAuthenticator>> CreateBearerServer(const BearerTokenOptions& options,
                                                                const Clock& clock = SystemClock());
Result<std::unique_ptr<ClientAuthenticator>> CreateBearerClient(const BearerTokenOptions& options,
                                                                const Clock& clock = SystemClock());

// headers_setter. `additional` (may be null) is asked first.
Result<std::unique_ptr<ClientAuthenticator>> CreateHeadersSetter(
    const HeadersSetterOptions& options, std::shared_ptr<const ClientAuthenticator> additional,
    const Clock& clock = SystemClock());

// Sets a header, replacing what there is of its name.
void SetHeader(HeaderList& headers, const std::string& name, std::string value);

}  // namespace wirespan::gateway
