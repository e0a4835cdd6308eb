#pragma once

#include <optional>

#include "source/filter/chain_builder.h"
#include "source/manager/hcm_config.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpFilter;
}
namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace envoy::config::core::v3 {
class CidrRange;
}

namespace narthex {

// The steps of CompileHcm. Each adds what is wrong to the diagnostics and fills in what it can.

using HcmProto = envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using HttpFilterProto = envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
using HttpFilterList = google::protobuf::RepeatedPtrField<HttpFilterProto>;

void CompileCodec(const HcmProto& config, ConfigPath path, HcmCompileContext& context, HcmConfig& hcm);
void CompilePolicies(const HcmProto& config, ConfigPath path, HcmCompileContext& context, HcmConfig& hcm);
void CompileClientAddress(const HcmProto& config, ConfigPath path, HcmCompileContext& context,
                          HcmConfig& hcm);
// Of http_filters, and of the upgrade_configs that have filters of their own.
ChainBuilder CompileFilters(const HcmProto& config, ConfigPath path, HcmCompileContext& context,
                            HcmConfig& hcm);
void CompileRoutes(const HcmProto& config, ConfigPath path, ChainBuilder& chains, HcmCompileContext& context,
                   HcmConfig& hcm);

}  // namespace narthex
