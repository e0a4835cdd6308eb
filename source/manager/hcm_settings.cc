#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/duration.h"
#include "source/manager/hcm_parts.h"
#include "source/upstream/http2_settings.h"

namespace narthex {
namespace {

using envoy::config::core::v3::HttpProtocolOptions;
using std::chrono::milliseconds;

const char* NameOf(EscapedSlashes action) {
  switch (action) {
    case EscapedSlashes::kKeep:
      return "KEEP_UNCHANGED";
    case EscapedSlashes::kReject:
      return "REJECT_REQUEST";
    case EscapedSlashes::kRedirect:
      return "UNESCAPE_AND_REDIRECT";
    case EscapedSlashes::kForward:
      return "UNESCAPE_AND_FORWARD";
  }
  return "";
}

const char* NameOf(UnderscorePolicy policy) {
  switch (policy) {
    case UnderscorePolicy::kAllow:
      return "ALLOW";
    case UnderscorePolicy::kReject:
      return "REJECT_REQUEST";
    case UnderscorePolicy::kDrop:
      return "DROP_HEADER";
  }
  return "";
}

// IMPLEMENTATION_SPECIFIC_DEFAULT is as good as unset.
bool ChoosesSlashes(const HcmProto& config) {
  return config.path_with_escaped_slashes_action() != HcmProto::IMPLEMENTATION_SPECIFIC_DEFAULT;
}

EscapedSlashes ToSlashes(const HcmProto& config) {
  switch (config.path_with_escaped_slashes_action()) {
    case HcmProto::REJECT_REQUEST:
      return EscapedSlashes::kReject;
    case HcmProto::UNESCAPE_AND_REDIRECT:
      return EscapedSlashes::kRedirect;
    case HcmProto::UNESCAPE_AND_FORWARD:
      return EscapedSlashes::kForward;
    default:
      return EscapedSlashes::kKeep;
  }
}

ClientCertPolicy ToClientCertPolicy(const HcmProto& config, const ConfigPath& path,
                                    Diagnostics& diagnostics) {
  ClientCertPolicy policy;
  policy.forwarding = static_cast<ClientCertForwarding>(config.forward_client_cert_details());
  const auto& ours = config.set_current_client_cert_details();
  policy.cert = ours.cert();
  policy.chain = ours.chain();
  policy.subject = ours.subject().value();
  policy.issuer = ours.issuer();
  policy.uri = ours.uri();
  policy.dns = ours.dns();
  const bool adds = policy.forwarding == ClientCertForwarding::kAppendForward ||
                    policy.forwarding == ClientCertForwarding::kSanitizeSet;
  if (config.has_set_current_client_cert_details() && !adds) {
    diagnostics.Warning(path.Field("set_current_client_cert_details"),
                        "has no effect unless forward_client_cert_details is APPEND_FORWARD or SANITIZE_SET");
  }
  if (policy.forwarding == ClientCertForwarding::kAlwaysForwardOnly) {
    diagnostics.Warning(path.Field("forward_client_cert_details"),
                        "believes what any client says of certificates; only for clients that are proxies of "
                        "your own");
  }
  return policy;
}

UnderscorePolicy ToUnderscores(const HttpProtocolOptions& options) {
  switch (options.headers_with_underscores_action()) {
    case HttpProtocolOptions::REJECT_REQUEST:
      return UnderscorePolicy::kReject;
    case HttpProtocolOptions::DROP_HEADER:
      return UnderscorePolicy::kDrop;
    default:
      return UnderscorePolicy::kAllow;
  }
}

void CompileTimeouts(const HcmProto& config, ConfigPath path, HcmConfig& hcm) {
  SettingReader settings(path, hcm.profile, hcm.settings);
  ServerCodecOptions& codec = hcm.codec;
  auto read = [&](std::string_view field, bool present, const google::protobuf::Duration& value,
                  Defaults<milliseconds> defaults) {
    return settings.Duration(field, present, ToMilliseconds(value), defaults);
  };
  constexpr milliseconds kNone{0};
  constexpr milliseconds kLong{300'000};
  codec.stream_idle_timeout = read("stream_idle_timeout", config.has_stream_idle_timeout(),
                                   config.stream_idle_timeout(), {kLong, kLong});
  codec.request_timeout =
      read("request_timeout", config.has_request_timeout(), config.request_timeout(), {kLong, kNone});
  codec.request_headers_timeout = read("request_headers_timeout", config.has_request_headers_timeout(),
                                       config.request_headers_timeout(), {milliseconds(10'000), kNone});
  codec.drain_timeout = read("drain_timeout", config.has_drain_timeout(), config.drain_timeout(),
                             {milliseconds(5000), milliseconds(5000)});
  codec.delayed_close_timeout =
      read("delayed_close_timeout", config.has_delayed_close_timeout(), config.delayed_close_timeout(),
           {milliseconds(1000), milliseconds(1000)});
  // Envoy has no such wait: whoever closes its sending side is gone.
  if (hcm.profile == Profile::kEdge) codec.half_close_timeout = milliseconds(10'000);
  const HttpProtocolOptions& common = config.common_http_protocol_options();
  SettingReader nested(path.Field("common_http_protocol_options"), hcm.profile, hcm.settings);
  codec.idle_timeout =
      nested.Duration("idle_timeout", common.has_idle_timeout(), ToMilliseconds(common.idle_timeout()),
                      {milliseconds(3600'000), milliseconds(3600'000)});
  codec.max_connection_duration =
      nested.Duration("max_connection_duration", common.has_max_connection_duration(),
                      ToMilliseconds(common.max_connection_duration()), {kNone, kNone});
  hcm.max_stream_duration = nested.Duration("max_stream_duration", common.has_max_stream_duration(),
                                            ToMilliseconds(common.max_stream_duration()), {kNone, kNone});
}

// What follows a malformed request: each protocol's own field stands above the one of both.
void CompileStreamErrors(const HcmProto& config, ServerCodecOptions& codec) {
  const auto& http1 = config.http_protocol_options();
  codec.keep_after_bad_request = http1.has_override_stream_error_on_invalid_http_message()
                                     ? http1.override_stream_error_on_invalid_http_message().value()
                                     : config.stream_error_on_invalid_http_message().value();
  if (config.has_stream_error_on_invalid_http_message()) {
    codec.http2.stream_error_on_invalid_http_message = config.stream_error_on_invalid_http_message().value();
  }
}

}  // namespace

void CompileCodec(const HcmProto& config, ConfigPath path, HcmCompileContext& context, HcmConfig& hcm) {
  if (config.codec_type() == HcmProto::HTTP3) {
    context.diagnostics.Error(path.Field("codec_type"), "HTTP/3 is not supported", "AUTO");
  }
  if (config.codec_type() == HcmProto::HTTP1) hcm.protocol = DownstreamProtocol::kHttp1;
  if (config.codec_type() == HcmProto::HTTP2) hcm.protocol = DownstreamProtocol::kHttp2;
  ServerCodecOptions& codec = hcm.codec;
  codec.buffer_limit = context.buffer_limit;
  codec.min_client_rate = context.min_client_rate;
  if (config.has_max_request_headers_kb()) codec.max_header_kb = config.max_request_headers_kb().value();
  const HttpProtocolOptions& common = config.common_http_protocol_options();
  if (common.has_max_headers_count()) codec.max_headers = common.max_headers_count().value();
  codec.max_requests_per_connection = common.max_requests_per_connection().value();
  const auto& http1 = config.http_protocol_options();
  codec.accept_http_10 = http1.accept_http_10();
  codec.default_host_for_http_10 = http1.default_host_for_http_10();
  codec.allow_absolute_url = http1.has_allow_absolute_url() ? http1.allow_absolute_url().value() : true;
  codec.enable_trailers = http1.enable_trailers();
  codec.proxy_100_continue = config.proxy_100_continue();
  if (hcm.profile == Profile::kEnvoy) codec.http2 = EnvoyHttp2Defaults();
  CompileStreamErrors(config, codec);
  CompileHttp2Options(config.http2_protocol_options(), path.Field("http2_protocol_options"),
                      context.diagnostics, codec.http2);
  CompileTimeouts(config, path, hcm);
}

void CompilePolicies(const HcmProto& config, ConfigPath path, HcmCompileContext& context, HcmConfig& hcm) {
  SettingReader settings(path, context.profile, hcm.settings);
  hcm.path.normalize = settings.Bool("normalize_path", config.has_normalize_path(),
                                     config.normalize_path().value(), {true, false});
  hcm.path.merge_slashes =
      settings.Bool("merge_slashes", config.merge_slashes() || settings.IsWritten("merge_slashes"),
                    config.merge_slashes(), {true, false});
  hcm.path.escaped_slashes =
      settings.Enum("path_with_escaped_slashes_action", ChoosesSlashes(config), ToSlashes(config),
                    {EscapedSlashes::kRedirect, EscapedSlashes::kKeep}, &NameOf);
  const HttpProtocolOptions& common = config.common_http_protocol_options();
  SettingReader nested(path.Field("common_http_protocol_options"), context.profile, hcm.settings);
  UnderscorePolicy underscores = ToUnderscores(common);
  bool written =
      underscores != UnderscorePolicy::kAllow || nested.IsWritten("headers_with_underscores_action");
  hcm.headers.underscores = nested.Enum("headers_with_underscores_action", written, underscores,
                                        {UnderscorePolicy::kReject, UnderscorePolicy::kAllow}, &NameOf);

  hcm.headers.authority.strip_matching_port = config.strip_matching_host_port();
  hcm.headers.authority.strip_any_port = config.strip_any_host_port();
  hcm.headers.authority.strip_trailing_dot = config.strip_trailing_host_dot();
  if (config.strip_matching_host_port() && config.strip_any_host_port()) {
    context.diagnostics.Error(path.Field("strip_any_host_port"),
                              "can't be used together with strip_matching_host_port");
  }
  const char* default_name = context.profile == Profile::kEdge ? "narthex" : "envoy";
  hcm.headers.server_name = config.server_name().empty() ? default_name : config.server_name();
  hcm.headers.server = static_cast<ServerHeaderPolicy>(config.server_header_transformation());
  hcm.headers.via = config.via();
  hcm.upgrades =
      UpgradeRules::Compile(config.upgrade_configs(), path.Field("upgrade_configs"), context.diagnostics);
  hcm.headers.client_cert = ToClientCertPolicy(config, path, context.diagnostics);
  if (config.add_user_agent().value()) {
    hcm.headers.user_agent = context.node_cluster;
    hcm.headers.service_node = context.node_id;
  }
  hcm.request_id.generate = config.has_generate_request_id() ? config.generate_request_id().value() : true;
  hcm.request_id.preserve_external = config.preserve_external_request_id();
  hcm.request_id.always_in_response = config.always_set_request_id_in_response();
}

}  // namespace narthex
