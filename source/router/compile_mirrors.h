#pragma once

#include <memory>

#include "source/config/config_path.h"
#include "source/router/mirror_policy.h"
#include "source/router/route_table.h"

namespace google::protobuf {
template <class Element>
class RepeatedPtrField;
}  // namespace google::protobuf
namespace envoy::config::route::v3 {
class RouteAction_RequestMirrorPolicy;
}

namespace narthex {

using MirrorPolicyList =
    google::protobuf::RepeatedPtrField<envoy::config::route::v3::RouteAction_RequestMirrorPolicy>;

// `path` is that of the list. Load time only; null when the list is empty. Errors go to the diagnostics with
// their position.
std::shared_ptr<const MirrorPolicies> CompileMirrorPolicies(const MirrorPolicyList& configs,
                                                            const ConfigPath& path,
                                                            const RouteCompileContext& context);

}  // namespace narthex
