#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header.pb.h"
#include "envoy/extensions/http/original_ip_detection/xff/v3/xff.pb.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_parts.h"
#include "source/net/machine_address.h"

namespace narthex {
namespace {

using envoy::extensions::http::original_ip_detection::custom_header::v3::CustomHeaderConfig;
using envoy::extensions::http::original_ip_detection::xff::v3::XffConfig;

template <class Ranges>
std::vector<Cidr> CompileRanges(const Ranges& ranges, ConfigPath path, Diagnostics& diagnostics) {
  std::vector<Cidr> compiled;
  for (int i = 0; i < ranges.size(); ++i) {
    ConfigPath at = path.Index(static_cast<size_t>(i));
    absl::StatusOr<Cidr> cidr = Cidr::Make(ranges[i].address_prefix(), ranges[i].prefix_len().value());
    if (cidr.ok()) {
      compiled.push_back(*cidr);
    } else {
      diagnostics.Error(at, std::string(cidr.status().message()));
    }
  }
  return compiled;
}

AddressDetection CompileXff(const XffConfig& config, ConfigPath path, Diagnostics& diagnostics) {
  AddressDetection detection;
  detection.trusted_hops = config.xff_num_trusted_hops();
  detection.skip_append = config.has_skip_xff_append() ? config.skip_xff_append().value() : true;
  ConfigPath cidrs = path.Field("xff_trusted_cidrs");
  detection.trusted_cidrs =
      CompileRanges(config.xff_trusted_cidrs().cidrs(), cidrs.Field("cidrs"), diagnostics);
  if (config.xff_num_trusted_hops() > 0 && config.has_xff_trusted_cidrs()) {
    diagnostics.Error(cidrs, "can't be used together with xff_num_trusted_hops");
  }
  return detection;
}

AddressDetection CompileCustomHeader(const CustomHeaderConfig& config) {
  AddressDetection detection;
  detection.kind = AddressDetection::Kind::kCustomHeader;
  for (char c : config.header_name()) {
    detection.header += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  detection.may_be_internal = config.allow_extension_to_set_address_as_trusted();
  if (config.has_reject_with_status()) {
    int status = static_cast<int>(config.reject_with_status().code());
    // Envoy's rule: what is no error of the client or the server becomes 403.
    detection.reject_status = status >= 400 && status < 600 ? status : 403;
  }
  return detection;
}

void CompileDetections(const HcmProto& config, ConfigPath path, Diagnostics& diagnostics,
                       std::vector<AddressDetection>& detections) {
  for (int i = 0; i < config.original_ip_detection_extensions_size(); ++i) {
    const auto& extension = config.original_ip_detection_extensions(i);
    ConfigPath at = path.Index(static_cast<size_t>(i)).Field("typed_config");
    if (extension.typed_config().Is<XffConfig>()) {
      auto xff = Unpack<XffConfig>(extension.typed_config(), at);
      diagnostics.AddStatus(xff.status());
      if (xff.ok()) detections.push_back(CompileXff(*xff, at, diagnostics));
    } else if (extension.typed_config().Is<CustomHeaderConfig>()) {
      auto header = Unpack<CustomHeaderConfig>(extension.typed_config(), at);
      diagnostics.AddStatus(header.status());
      if (header.ok()) detections.push_back(CompileCustomHeader(*header));
    } else {
      diagnostics.Error(at, "\"" + extension.typed_config().type_url() +
                                "\" is no way to detect the client's address; there are XffConfig and "
                                "CustomHeaderConfig");
    }
  }
}

}  // namespace

void CompileClientAddress(const HcmProto& config, ConfigPath path, HcmCompileContext& context,
                          HcmConfig& hcm) {
  ClientAddressPolicy& policy = hcm.client_address;
  SettingReader settings(path, context.profile, hcm.settings);
  // Who says where the address is to be found does not want the edge profile's default.
  bool detects = config.original_ip_detection_extensions_size() > 0;
  policy.use_remote_address = settings.Bool("use_remote_address", config.has_use_remote_address(),
                                            config.use_remote_address().value(), {!detects, false});
  policy.trusted_hops = config.xff_num_trusted_hops();
  policy.skip_xff_append = config.skip_xff_append();
  policy.append_x_forwarded_port = config.append_x_forwarded_port();
  policy.internal_unix_sockets = config.internal_address_config().unix_sockets();
  policy.internal =
      CompileRanges(config.internal_address_config().cidr_ranges(),
                    path.Field("internal_address_config").Field("cidr_ranges"), context.diagnostics);
  ConfigPath extensions = path.Field("original_ip_detection_extensions");
  CompileDetections(config, extensions, context.diagnostics, policy.detections);
  if (detects && policy.use_remote_address) {
    context.diagnostics.Error(extensions, "can't be used together with use_remote_address");
  }
  if (detects && policy.trusted_hops > 0) {
    context.diagnostics.Error(extensions, "can't be used together with xff_num_trusted_hops");
  }
  if (!detects && !policy.use_remote_address) {
    AddressDetection xff;
    xff.trusted_hops = policy.trusted_hops;
    policy.detections.push_back(std::move(xff));
  }
  if (context.profile == Profile::kEnvoy) policy.loopback_alias = MachineAddress();
}

}  // namespace narthex
