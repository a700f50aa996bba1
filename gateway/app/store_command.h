#pragma once

#include <string>

// `store verify|dump|backup|delete --directory DIRECTORY`: what can be done with the embedded
// store's folder. Each returns the exit code.
namespace wirespan::gateway {

int VerifyStoreFolder(const std::string& directory);  // 1: there is damage
// `trace` is an id in hexadecimal; empty: all traces.
int DumpStoreFolder(const std::string& directory, const std::string& trace);
int BackUpStoreFolder(const std::string& directory, const std::string& to);
int DeleteTraceFromFolder(const std::string& directory, const std::string& trace);

}  // namespace wirespan::gateway
