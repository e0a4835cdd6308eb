#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "source/base/escape.h"
#include "source/substitution/operators.h"

namespace narthex {
namespace {

using Argument = FormatOperator::Argument;

// A function that reads one thing of the exchange, and is absent without one.
template <auto Read>
void Of(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange != nullptr) Read(*c.exchange, v);
}

// Envoy's logs are split at spaces: none in a detail unless asked for.
std::string WithoutSpaces(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }, '_');
  return text;
}

enum DetailsOption { kAllowSpaces = 1 };

std::string PrepareDetails(FormatArguments& arguments) {
  if (arguments.text == "ALLOW_WHITESPACES") {
    arguments.option = kAllowSpaces;
  } else if (!arguments.text.empty()) {
    return "takes ALLOW_WHITESPACES, not \"" + arguments.text + "\"";
  }
  return {};
}

void ResponseCodeDetails(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (c.exchange == nullptr) return;
  const std::string& details = c.exchange->response_details;
  if (a.option == kAllowSpaces || details.find_first_of(" \t\n\v\f\r") == std::string::npos) {
    return SetTextIfAny(v, details);
  }
  SetOwned(v, WithoutSpaces(details));
}

template <std::string_view (*Name)(ResponseFlag)>
void Flags(const Exchange& exchange, FormatValue& v) {
  // Envoy prints this dash itself: in JSON, too, it is a string.
  if (exchange.flags() == 0) return SetText(v, "-");
  v.owned.clear();
  for (int flag = 1; flag < static_cast<int>(ResponseFlag::kCount); ++flag) {
    if (!exchange.HasFlag(static_cast<ResponseFlag>(flag))) continue;
    if (!v.owned.empty()) v.owned += ',';
    v.owned += Name(static_cast<ResponseFlag>(flag));
  }
  SetText(v, v.owned);
}

// NAMESPACE, or NAMESPACE:KEY and deeper keys, which the exchange joins with dots.
std::string PrepareMetadata(FormatArguments& arguments) {
  const size_t colon = arguments.text.find(':');
  if (colon == 0 || colon + 1 == arguments.text.size()) {
    return "needs a namespace, and may have a key, as (namespace:key)";
  }
  arguments.first = arguments.text.substr(0, colon);
  if (colon != std::string::npos) arguments.second = arguments.text.substr(colon + 1);
  std::replace(arguments.second.begin(), arguments.second.end(), ':', '.');
  return {};
}

// A namespace by the parts of its keys.
struct MetadataTree {
  std::map<std::string_view, MetadataTree> members;
  std::string_view value;  // of one without members

  void AppendTo(std::string& json) const {
    char before = '{';
    if (members.empty()) {
      json += '"';
      AppendJsonEscaped(json, value);
      json += '"';
      return;
    }
    for (const auto& [key, member] : members) {
      json += before;
      json += '"';
      AppendJsonEscaped(json, key);
      json += "\":";
      member.AppendTo(json);
      before = ',';
    }
    json += '}';
  }
};

// All that a namespace holds, as a JSON object.
void Namespace(const Exchange& exchange, const FormatArguments& a, FormatValue& v) {
  MetadataTree root;
  for (const Exchange::MetadataEntry& entry : exchange.metadata()) {
    if (entry.space != a.first) continue;
    MetadataTree* at = &root;
    std::string_view rest = entry.key;
    for (size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      at = &at->members[rest.substr(0, dot)];
      rest.remove_prefix(dot + 1);
    }
    at->members[rest].value = entry.value;
  }
  if (root.members.empty()) return;
  v.owned.clear();
  root.AppendTo(v.owned);
  SetText(v, v.owned);
  // What is cut off is JSON no more.
  if (!a.max_length) v.kind = FormatValue::Kind::kJson;
}

void DynamicMetadata(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (c.exchange == nullptr) return;
  if (a.second.empty()) return Namespace(*c.exchange, a, v);
  const std::string_view found = c.exchange->GetMetadata(a.first, a.second);
  if (found.data() != nullptr) SetText(v, found);
}

enum EnvironmentOption { kIsSet = 1 };

std::string PrepareEnvironment(FormatArguments& arguments) {
  const char* set = std::getenv(arguments.text.c_str());
  if (set == nullptr) return {};
  arguments.option = kIsSet;
  arguments.first = set;
  return {};
}

void Environment(const FormatContext&, const FormatArguments& a, FormatValue& v) {
  // As with flags, the dash is Envoy's own: in JSON, too, it is a string.
  SetText(v, a.option == kIsSet ? std::string_view(a.first) : "-");
}

void Hostname(const FormatContext&, const FormatArguments&, FormatValue& v) {
  static const std::string name = [] {
    std::array<char, 256> text = {};
    return gethostname(text.data(), text.size() - 1) == 0 ? std::string(text.data()) : std::string();
  }();
  SetTextIfAny(v, name);
}

void LocalReplyBody(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  SetText(v, c.local_reply_body);
}

constexpr FormatOperator kOperators[] = {
    {"PROTOCOL", Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.protocol); }>},
    {"RESPONSE_CODE",
     Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, static_cast<uint64_t>(e.response_status)); }>},
    {"RESPONSE_CODE_DETAILS", ResponseCodeDetails, Argument::kOptional, false, PrepareDetails},
    {"CONNECTION_TERMINATION_DETAILS",
     Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.termination_details); }>},
    {"RESPONSE_FLAGS", Of<Flags<ShortName>>},
    {"RESPONSE_FLAGS_LONG", Of<Flags<LongName>>},
    {"ROUTE_NAME", Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.route_name); }>},
    {"BYTES_RECEIVED", Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, e.request_body_bytes); }>},
    {"BYTES_SENT", Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, e.response_body_bytes); }>},
    // Envoy counts them for HTTP/3 only, and says 0 of everything over TCP.
    {"BYTES_RETRANSMITTED", Of<[](const Exchange&, FormatValue& v) { SetNumber(v, 0); }>},
    {"DOWNSTREAM_HEADER_BYTES_RECEIVED",
     Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, e.request_header_bytes); }>},
    {"DOWNSTREAM_HEADER_BYTES_SENT",
     Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, e.response_header_bytes); }>},
    {"UPSTREAM_CLUSTER", Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.upstream.cluster); }>},
    {"UPSTREAM_CLUSTER_RAW",
     Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.upstream.cluster); }>},
    {"UPSTREAM_PROTOCOL",
     Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.upstream.protocol); }>},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT",
     Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, e.upstream.attempts); }>},
    {"UPSTREAM_TRANSPORT_FAILURE_REASON",
     Of<[](const Exchange& e, FormatValue& v) { SetOwned(v, WithoutSpaces(e.upstream.transport_failure)); }>},
    {"REQUESTED_SERVER_NAME",
     Of<[](const Exchange& e, FormatValue& v) { SetTextIfAny(v, e.connection().server_name()); }>},
    {"CONNECTION_ID", Of<[](const Exchange& e, FormatValue& v) { SetNumber(v, e.connection().id); }>},
    {"DYNAMIC_METADATA", DynamicMetadata, Argument::kRequired, true, PrepareMetadata},
    {"ENVIRONMENT", Environment, Argument::kRequired, true, PrepareEnvironment},
    {"HOSTNAME", Hostname},
    {"LOCAL_REPLY_BODY", LocalReplyBody},
    {"DOWNSTREAM_TRANSPORT_FAILURE_REASON", Of<[](const Exchange& e, FormatValue& v) {
       const ConnectionDetails* details = e.connection().details.get();
       if (details != nullptr) SetOwned(v, WithoutSpaces(details->transport_failure));
     }>},
};

}  // namespace

std::span<const FormatOperator> ExchangeOperators() {
  return kOperators;
}

}  // namespace narthex
