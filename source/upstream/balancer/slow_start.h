#pragma once

#include <cstdint>

namespace narthex {

// How a host that has just become available comes to its full weight.
struct SlowStart {
  uint64_t window_us = 0;  // 0: at once
  double aggression = 1;   // 1: linear; above it, faster at first
  double min_weight = 0.1;
};

// The part of its weight, from min_weight to 1, that a host has which became available at `since_us`; 0
// stands for always.
double SlowStartFactor(const SlowStart& slow_start, uint64_t since_us, uint64_t now_us);

}  // namespace narthex
