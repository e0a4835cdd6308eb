#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/any.pb.h"
#include "source/config/config_path.h"

namespace narthex {

// The message of type M that `any`, at `path`, carries. Its fields go on from `path`:
// path.Field("route_config") is the origin of the message's route_config. An error at `path` when it carries
// another type or does not parse.
template <typename M>
absl::StatusOr<M> Unpack(const google::protobuf::Any& any, const ConfigPath& path) {
  M message;
  if (any.UnpackTo(&message)) return message;
  if (any.type_url().empty()) return path.Error("is empty; expected a " + M::descriptor()->full_name());
  if (any.Is<M>()) return path.Error("holds a malformed " + M::descriptor()->full_name());
  return path.Error("expected a " + M::descriptor()->full_name() + ", found \"" + any.type_url() + "\"");
}

}  // namespace narthex
