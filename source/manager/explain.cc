#include "source/manager/explain.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "source/http/tunnel.h"
#include "source/manager/admission.h"
#include "source/manager/tunnel_chain.h"

namespace narthex {
namespace {

using Outcome = Admission::Outcome;

// What a client makes of the URL, as far as it is not plain.
void ExplainHead(const ExchangeQuestion& question, const UnsentHead& unsent, ExchangeExplanation& answer) {
  if (!question.url.fragment.empty()) {
    answer.Add("request", question.url.fragment + " is not sent: a client keeps the fragment of a URL");
  }
  if (!unsent.host_added || unsent.refused) return;
  const std::string host(unsent.head.headers.Get(Header::kAuthority));
  answer.Add("request", "host " + host + ", the listener's address: a path alone names none");
}

void ExplainClient(const HcmConfig& hcm, const Admission& admission, const HeaderMap& headers,
                   ExchangeExplanation& answer) {
  answer.Add("client", absl::StrCat("address ", admission.client.address.IpString(), ", ",
                                    admission.client.internal ? "internal" : "external"));
  answer.Add("client", admission.client.reason);
  for (const Setting& setting : hcm.settings) {
    if (setting.name != "use_remote_address") continue;
    answer.Add("client", absl::StrCat("use_remote_address: ", setting.value, " (", setting.origin, ")"));
  }
  std::string_view forwarded = headers.Get(Header::kXForwardedFor);
  if (!forwarded.empty()) answer.Add("client", "x-forwarded-for upstream: " + std::string(forwarded));
}

void ExplainPath(const HcmConfig& hcm, const ExplainUrl& url, const Admission& admission,
                 const HeaderMap& headers, ExchangeExplanation& answer) {
  std::string_view path = headers.Get(Header::kPath);
  if (admission.outcome == Outcome::kRedirectedPath) {
    answer.Add("path", "redirected to " + admission.location);
  } else if (path == url.target) {
    answer.Add("path", std::string(path) + " (unchanged)");
  } else {
    answer.Add("path", std::string(path) + ", normalised from " + url.target);
  }
  for (const Setting& setting : hcm.settings) {
    if (setting.name.find("path") == std::string::npos && setting.name.find("slashes") == std::string::npos) {
      continue;
    }
    answer.Add("path", absl::StrCat(setting.name, ": ", setting.value, " (", setting.origin, ")"));
  }
}

void ExplainRefusal(int status, std::string_view detail, const char* by, ExchangeExplanation& answer) {
  answer.status = status;
  answer.Add("answer", absl::StrCat("status ", status, ", ", std::string(detail), ", by the ", by));
}

// Where the route sets the field, or that it does not.
std::string OriginText(const CompiledRoute& route, std::string_view action, std::string_view field) {
  const Origin origin = route.OriginOf(action, field);
  const bool written = route.config_path().Field(action).Field(field).IsWritten();
  return written ? origin.ToString() : "default";
}

// The level whose typed_per_filter_config decides about the filter: the most specific one that mentions it.
std::string LevelOf(const CompiledRoute& route, std::string_view filter) {
  const ConfigPath table = route.scope->table_path;
  for (const ConfigPath& level :
       {route.config_path(), table.Field("virtual_hosts").Index(route.scope->virtual_host_index), table}) {
    const ConfigPath at = level.Field("typed_per_filter_config").Key(filter);
    if (at.IsWritten()) return at.Origin().ToString();
  }
  return route.config_path().Origin().ToString();  // of a weighted cluster
}

void ExplainFilters(const CompiledRoute& route, const TunnelChain& passed, ExchangeExplanation& answer) {
  for (const FilterNote& filter : *passed.notes) {
    bool on = std::any_of(passed.chain->begin(), passed.chain->end(),
                          [&](const ChainEntry& entry) { return entry.name == filter.name; });
    std::string why = absl::StrCat("by its place, ", filter.origin);
    if (on == filter.disabled) {
      why = "by " + LevelOf(route, filter.name);
    }
    size_t configs =
        static_cast<size_t>(std::count_if(route.filter_configs.begin(), route.filter_configs.end(),
                                          [&](const auto& config) { return config.first == filter.name; }));
    std::string own = configs == 0 ? "" : absl::StrFormat(", %d per-route configuration(s)", configs);
    answer.Add("filters", absl::StrCat(filter.name, ": ", on ? "on" : "off", " (", why, ")", own));
  }
}

// Finds the chain of a request that asks for a tunnel. False when it is refused for that.
bool ExplainTunnel(const HcmConfig& hcm, const CompiledRoute& route, const HeaderMap& headers,
                   TunnelChain& passed, ExchangeExplanation& answer) {
  if (!AsksForTunnel(headers)) return true;
  const bool connect = IsConnect(headers);
  const std::string what = connect ? "CONNECT" : "upgrade to " + std::string(headers.Get(Header::kUpgrade));
  const TunnelChain tunnel = TunnelChain::Of(hcm, route, headers);
  if (tunnel.chain == nullptr) {
    answer.Add("tunnel", what + ": not allowed by upgrade_configs, of the route or the connection manager" +
                             (connect ? "" : ": the request goes on without"));
    return !connect;
  }
  passed = tunnel;
  const bool ends_here = connect && route.forward->terminates_connect;
  answer.Add("tunnel",
             what + (ends_here ? ": ends here; its bytes go to a host of the cluster, whatever host "
                                 "it names"
                               : ": passed on; the upstream decides"));
  return true;
}

void ExplainTimeouts(const HcmConfig& hcm, const CompiledRoute& route, ExchangeExplanation& answer) {
  const ForwardAction* forward = route.forward.get();
  if (forward != nullptr) {
    answer.Add("timeouts", absl::StrCat("route timeout: ", DurationText(forward->timeout), " (",
                                        OriginText(route, "route", "timeout"), ")"));
  }
  bool own_idle = forward != nullptr && forward->idle_timeout.has_value();
  bool own_duration = forward != nullptr && forward->max_stream_duration.has_value();
  if (own_idle) {
    answer.Add("timeouts", absl::StrCat("stream_idle_timeout: ", DurationText(*forward->idle_timeout), " (",
                                        OriginText(route, "route", "idle_timeout"), ")"));
  }
  if (own_duration) {
    answer.Add("timeouts", absl::StrCat("max_stream_duration: ", DurationText(*forward->max_stream_duration),
                                        " (", OriginText(route, "route", "max_stream_duration"), ")"));
  }
  for (const Setting& setting : hcm.settings) {
    bool timeout = setting.name.find("timeout") != std::string::npos ||
                   setting.name.find("duration") != std::string::npos;
    if (!timeout || (own_idle && setting.name == "stream_idle_timeout") ||
        (own_duration && setting.name == "max_stream_duration")) {
      continue;
    }
    answer.Add("timeouts", absl::StrCat(setting.name, ": ", setting.value, " (", setting.origin, ")"));
  }
}

void ExplainAction(const CompiledRoute& route, const HeaderMap& headers, ExchangeExplanation& answer) {
  if (route.redirect != nullptr) {
    answer.status = route.redirect->status;
    FormatContext context;
    context.request = &headers;
    answer.Add("answer", absl::StrCat("redirect ", answer.status, " to ",
                                      RedirectLocation(*route.redirect, route, context)));
    return;
  }
  if (route.direct_response != nullptr) {
    answer.status = route.direct_response->status;
    answer.Add("answer", absl::StrCat("direct response ", answer.status, ", ",
                                      route.direct_response->body.size(), " bytes"));
    return;
  }
  answer.cluster = route.cluster;
  if (route.forward != nullptr && !route.forward->cluster_header.empty()) {
    answer.cluster = headers.Get(std::string_view(route.forward->cluster_header));
    answer.Add("cluster", "named by the request header " + route.forward->cluster_header);
  }
  answer.Add("cluster", absl::StrCat(answer.cluster.empty() ? "(none)" : answer.cluster, " (",
                                     route.OriginOf("route", "cluster").ToString(), ")"));
  if (route.forward == nullptr) return;
  answer.priority = route.forward->priority;
  answer.no_cluster_status = route.forward->cluster_not_found_status;
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += absl::StrFormat("\\u%04x", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void ExchangeExplanation::Add(std::string_view title, std::string line) {
  auto section = std::find_if(sections.begin(), sections.end(),
                              [&](const Section& candidate) { return candidate.title == title; });
  if (section == sections.end()) section = sections.insert(section, {std::string(title), {}});
  section->lines.push_back(std::move(line));
}

std::string ExchangeExplanation::ToText() const {
  std::string text;
  for (const Section& section : sections) {
    absl::StrAppend(&text, section.title, "\n");
    for (const std::string& line : section.lines) absl::StrAppend(&text, "  ", line, "\n");
  }
  return text;
}

std::string ExchangeExplanation::ToJson() const {
  std::string json = "{\"sections\":[";
  for (size_t i = 0; i < sections.size(); ++i) {
    if (i > 0) json += ',';
    json += "{\"title\":";
    AppendJsonString(sections[i].title, json);
    json += ",\"lines\":[";
    for (size_t line = 0; line < sections[i].lines.size(); ++line) {
      if (line > 0) json += ',';
      AppendJsonString(sections[i].lines[line], json);
    }
    json += "]}";
  }
  json += "],\"cluster\":";
  AppendJsonString(cluster, json);
  absl::StrAppend(&json, ",\"status\":", status, "}");
  return json;
}

ExchangeExplanation ExplainExchange(const HcmConfig& hcm, const ExchangeQuestion& question) {
  ExchangeExplanation answer;
  answer.Add("connection manager",
             absl::StrCat(hcm.stat_prefix.substr(5, hcm.stat_prefix.size() - 6), " (", hcm.origin, ")"));
  UnsentHead unsent;
  ReadUnsentHead(hcm.codec, question, unsent);
  ExplainHead(question, unsent, answer);
  if (unsent.refused) {
    ExplainRefusal(unsent.refused->status, unsent.refused->detail, "codec", answer);
    return answer;
  }
  HeaderMap& headers = unsent.head.headers;
  ConnectionFacts connection;
  connection.remote = question.client;
  connection.local = question.local;
  connection.secure = question.url.secure;
  Admission admission = Admit(hcm, connection, headers, nullptr, 0);
  if (!IsConnect(headers)) ExplainPath(hcm, question.url, admission, headers, answer);
  bool found_client = !admission.client.address.empty();
  if (found_client) ExplainClient(hcm, admission, headers, answer);
  if (admission.outcome == Outcome::kRouted || admission.outcome == Outcome::kNoRoute) {
    for (std::string& line : hcm.routes->ExplainMatch(RouteInput{headers, nullptr, 0})) {
      answer.Add("route", std::move(line));
    }
  }
  if (admission.outcome != Outcome::kRouted) {
    ExplainRefusal(admission.status(), admission.detail(), "connection manager", answer);
    return answer;
  }
  TunnelChain passed{admission.route->chain.get(), &hcm.filters};
  if (!ExplainTunnel(hcm, *admission.route, headers, passed, answer)) {
    ExplainRefusal(403, "upgrade_failed", "connection manager", answer);
    return answer;
  }
  ExplainFilters(*admission.route, passed, answer);
  ExplainAction(*admission.route, headers, answer);
  ExplainTimeouts(hcm, *admission.route, answer);
  return answer;
}

}  // namespace narthex
