#pragma once

#include <chrono>

#include "google/protobuf/duration.pb.h"

namespace narthex {

// Rounded up, so that a positive duration never means "none".
inline std::chrono::milliseconds ToMilliseconds(const google::protobuf::Duration& duration) {
  return std::chrono::milliseconds(duration.seconds() * 1000 + (duration.nanos() + 999'999) / 1'000'000);
}

}  // namespace narthex
