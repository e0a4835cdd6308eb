#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "source/http/exchange.h"
#include "source/stats/stats.h"

namespace narthex {

// A call by its :path, "/package.Service/Method".
struct GrpcMethod {
  std::string_view service;
  std::string_view method;

  // Both empty when the path names no method.
  static GrpcMethod OfPath(std::string_view path);
  bool operator==(const GrpcMethod&) const = default;
};

// cluster.<name>.grpc.<service>.<method>.{total,success,failure,0,1,...}: what came of the calls of one gRPC
// method at one cluster, by status. Thread-safe; lives as long as the process.
class GrpcMethodStats {
 public:
  // How many names one cluster may have. Who calls decides on the path, but not on how many there are.
  static constexpr size_t kMostMethods = 500;

  // Those with this name, "grpc.package.Service.Method", at the cluster with this name in statistics. Null
  // when they are not known yet and may not become known (`may_add`), or are too many. Takes a lock only for
  // what the thread has not found before.
  static const GrpcMethodStats* Of(std::string_view cluster, const std::string& name, bool may_add);
  // Whether a response with this status may make a method known: one does with the first that does not say
  // UNIMPLEMENTED, which is what services answer when they have no such method.
  static bool MakesKnown(uint64_t status);
  // "protocol.package.Service.Method"; empty when there is no method, or its names have characters that those
  // of statistics can't have.
  static std::string NameOf(std::string_view protocol, const GrpcMethod& method);

  // `prefix`: "cluster.<name>." and the name.
  explicit GrpcMethodStats(std::string prefix);
  // Counts a call that ended with this status; also by its number, when gRPC defines it.
  void Count(uint64_t status) const;
  // request_message_count and response_message_count.
  void CountMessages(uint64_t requests, uint64_t responses) const;
  // upstream_rq_time.
  void RecordTime(uint64_t milliseconds) const;

 private:
  static constexpr size_t kStatuses = 17;

  const std::string prefix_;
  Counter total_;
  Counter success_;
  Counter failure_;
  // All below are made when first counted: most methods have few of them.
  mutable std::array<std::once_flag, kStatuses> made_;
  mutable std::array<Counter, kStatuses> by_status_;
  mutable std::once_flag messages_made_;
  mutable Counter requests_;
  mutable Counter responses_;
  mutable std::once_flag time_made_;
  mutable Histogram time_;
};

// The name in statistics, alt_stat_name if there is one, of the cluster that the exchange went to; empty when
// it went to none.
std::string_view ClusterStatName(const Exchange& exchange);

}  // namespace narthex
