#pragma once

#include "common/kube/projection.h"

namespace wirespan::kube {

// Who keeps what a watch tells. Called by one thread at a time, never by two.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;
  // A whole list begins. It may be broken off: then another one begins, and OnListed never comes.
  virtual void OnList() = 0;
  // An object as it is now, in a list or because it changed. Its parts may be moved away.
  virtual void OnObject(Object& object) = 0;
  // An object as it was when it was deleted, or ceased to match the selector.
  virtual void OnGone(Object& object) = 0;
  // What was not told since OnList is gone.
  virtual void OnListed() = 0;
};

}  // namespace wirespan::kube
