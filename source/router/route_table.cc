#include "source/router/route_table.h"

#include "envoy/config/route/v3/route.pb.h"
#include "source/base/ascii.h"
#include "source/router/route_compiler.h"

namespace narthex {
namespace {

std::string_view WithoutPort(std::string_view host) {
  size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return host;
  for (char c : host.substr(colon + 1)) {
    if (c < '0' || c > '9') return host;
  }
  return host.substr(0, colon);
}

class HostedRouteTable final : public RouteTable {
 public:
  HostedRouteTable(std::string name, bool ignore_port) : name_(std::move(name)), ignore_port_(ignore_port) {}

  void Add(std::unique_ptr<VirtualHost> host, const ConfigPath& path, Diagnostics& diagnostics) {
    auto number = static_cast<uint32_t>(virtual_hosts_.size());
    for (size_t i = 0; i < host->domains.size(); ++i) {
      const std::string& domain = host->domains[i];
      ConfigPath place = path.Field("domains").Index(i);
      if (domain.size() > 1 && domain.find('*', 1) < domain.size() - 1) {
        diagnostics.Warning(place, "a \"*\" in the middle stands for itself and matches no host");
      }
      uint32_t other = hosts_.Add(ToLowerAscii(domain), number);
      if (other == HostIndex::kNone) continue;
      diagnostics.Error(place, "the domain \"" + domain + "\" is there already: " +
                                   PlaceOfDomain(other == number ? *host : *virtual_hosts_[other], domain));
    }
    virtual_hosts_.push_back(std::move(host));
  }

  const std::string& name() const override { return name_; }

  const CompiledRoute* Match(const RouteInput& input) const override {
    const VirtualHost* host = FindHost(input);
    return host == nullptr ? nullptr : host->Match(input);
  }

  const CompiledRoute* MatchLinear(const RouteInput& input) const override {
    const VirtualHost* host = FindHost(input);
    return host == nullptr ? nullptr : host->MatchLinear(input);
  }

  std::vector<std::string> ExplainMatch(const RouteInput& input) const override {
    std::vector<std::string> lines;
    const VirtualHost* chosen = FindHost(input);
    std::string_view asked = input.headers.Get(Header::kAuthority);
    for (const auto& host : virtual_hosts_) {
      if (host.get() == chosen) continue;
      lines.push_back("virtual host \"" + host->scope.virtual_host + "\": no: " + Domains(*host) +
                      " does not match the host \"" + std::string(asked) + "\" best");
    }
    if (chosen == nullptr) {
      lines.push_back("no virtual host matches the host \"" + std::string(asked) + "\"");
      return lines;
    }
    lines.push_back("virtual host \"" + chosen->scope.virtual_host + "\": takes the host \"" +
                    std::string(asked) + "\" (" + Domains(*chosen) + ")");
    chosen->Explain(input, lines);
    return lines;
  }

 private:
  const VirtualHost* FindHost(const RouteInput& input) const {
    std::string_view host = input.headers.Get(Header::kAuthority);
    uint32_t found = hosts_.Find(ignore_port_ ? WithoutPort(host) : host);
    return found == HostIndex::kNone ? nullptr : virtual_hosts_[found].get();
  }

  static std::string Domains(const VirtualHost& host) {
    std::string text = "domains ";
    for (const std::string& domain : host.domains) text += (text.size() > 8 ? ", " : "") + domain;
    return text;
  }

  static std::string PlaceOfDomain(const VirtualHost& host, std::string_view domain) {
    ConfigPath path = host.scope.table_path.Field("virtual_hosts").Index(host.scope.virtual_host_index);
    size_t at = 0;
    while (ToLowerAscii(host.domains[at]) != ToLowerAscii(domain)) ++at;
    return path.Field("domains").Index(at).Origin().ToString();
  }

  std::string name_;
  bool ignore_port_;
  std::vector<std::unique_ptr<VirtualHost>> virtual_hosts_;
  HostIndex hosts_;
};

}  // namespace

ConfigPath CompiledRoute::config_path() const {
  ConfigPath host = scope->table_path.Field("virtual_hosts").Index(scope->virtual_host_index);
  return index == kNoIndex ? host.Field("require_tls") : host.Field("routes").Index(index);
}

Origin CompiledRoute::OriginOf(std::string_view action, std::string_view field) const {
  return config_path().Field(action).Field(field).Origin();
}

std::shared_ptr<const RouteTable> RouteTable::Compile(
    const envoy::config::route::v3::RouteConfiguration& config, ConfigPath path,
    RouteCompileContext& context) {
  size_t errors = context.diagnostics.error_count();
  auto table = std::make_shared<HostedRouteTable>(config.name(), config.ignore_port_in_host_matching());
  RouteCompiler compiler(config, path, context);
  for (int i = 0; i < config.virtual_hosts_size(); ++i) {
    auto index = static_cast<uint32_t>(i);
    table->Add(compiler.CompileVirtualHost(config.virtual_hosts(i), index),
               path.Field("virtual_hosts").Index(index), context.diagnostics);
  }
  if (context.diagnostics.error_count() > errors) return nullptr;
  return table;
}

}  // namespace narthex
