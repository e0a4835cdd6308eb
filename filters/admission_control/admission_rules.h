#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <utility>
#include <vector>

#include "filters/admission_control/success_window.h"

namespace narthex {

// What is a success. Immutable once compiled.
class SuccessCriteria {
 public:
  static constexpr uint64_t kGrpcStatuses = 17;  // 0 to 16

  // HTTP statuses from `begin`, up to but not including `end`.
  void AddHttp(int begin, int end) { http_.emplace_back(begin, end); }
  // REQUIRES: below kGrpcStatuses.
  void AddGrpc(uint64_t status) { grpc_.set(status); }
  // In place of AddHttp and AddGrpc, Envoy's: failures that fewer requests would not avert are none.
  void AddDefaultHttp() { AddHttp(100, 500); }
  void AddDefaultGrpc();

  bool IsHttpSuccess(int status) const;
  bool IsGrpcSuccess(uint64_t status) const { return status < kGrpcStatuses && grpc_[status]; }

 private:
  std::vector<std::pair<int, int>> http_;
  std::bitset<kGrpcStatuses> grpc_;
};

// Which share of the requests is refused. Immutable once compiled.
struct RejectionRules {
  double threshold = 0.95;  // of successes, from where on all are let through
  double aggression = 1;
  double most = 0.8;
  double least_per_second = 0;  // below it nothing is refused

  // From 0 to 1.
  double ShareFor(const SuccessWindow::Counts& counts) const;
};

}  // namespace narthex
