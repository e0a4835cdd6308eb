#include "source/filter/chain_builder.h"

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/config/suggest.h"
#include "source/config/unpack.h"

namespace narthex {
namespace {

using google::protobuf::Any;

// The message's full name of a type URL.
std::string_view TypeOf(const Any& any) {
  std::string_view url = any.type_url();
  size_t slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

bool SameChain(const FilterChain& a, const FilterChain& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ChainEntry& x, const ChainEntry& y) {
    return x.filter == y.filter && x.name == y.name;
  });
}

}  // namespace

ChainBuilder::ChainBuilder(std::vector<Filter> filters, const FilterRegistry& registry,
                           Diagnostics& diagnostics, std::string stat_prefix)
    : filters_(std::move(filters)),
      registry_(registry),
      diagnostics_(diagnostics),
      stat_prefix_(std::move(stat_prefix)) {}

RouteChain ChainBuilder::Build(const std::vector<const PerFilterConfigLevel*>& levels) {
  for (const PerFilterConfigLevel* level : levels) CheckNames(*level);
  RouteChain built;
  built.chain = BuildChain(filters_, levels, built);
  if (upgrades_.empty()) return built;
  UpgradeChains chains;
  for (const std::vector<Filter>& filters : upgrades_) chains.push_back(BuildChain(filters, levels, built));
  const auto made = std::find_if(made_upgrades_.begin(), made_upgrades_.end(),
                                 [&](const auto& before) { return *before == chains; });
  built.upgrade_chains = made != made_upgrades_.end()
                             ? *made
                             : made_upgrades_.emplace_back(std::make_shared<const UpgradeChains>(chains));
  return built;
}

std::shared_ptr<const FilterChain> ChainBuilder::BuildChain(const std::vector<Filter>& filters,
                                                            const Levels& levels, RouteChain& built) {
  FilterChain chain;
  for (const Filter& filter : filters) {
    Decision decision = Decide(filter, levels);
    if (!decision.on) continue;
    chain.push_back({filter.name, filter.filter});
    // One that stands in several chains has what an earlier one has put there.
    const bool known = std::any_of(built.configs.begin(), built.configs.end(),
                                   [&](const auto& config) { return config.first == filter.name; });
    if (known) continue;
    for (auto& config : decision.configs) built.configs.emplace_back(filter.name, std::move(config));
  }
  return Share(std::move(chain));
}

void ChainBuilder::CheckNames(const PerFilterConfigLevel& level) {
  for (const auto& [name, any] : level.entries) {
    if (entries_.contains(any)) continue;
    bool known = false;
    ForEachFilter([&](const Filter& filter) { known |= filter.name == name; });
    if (known) continue;
    entries_.emplace(any, CompiledEntry{});
    std::string nearest;
    size_t best = 1 + name.size() / 3;
    ForEachFilter([&](const Filter& filter) {
      size_t distance = EditDistance(name, filter.name, best);
      if (distance <= best) nearest = filter.name, best = distance;
    });
    diagnostics_.Error(level.path.Key(name), "no filter of http_filters has the name \"" + name + "\"",
                       nearest);
  }
}

// The most specific entry decides whether the filter is on, as in Envoy: an entry that does not disable it
// turns on a filter that is off by default.
ChainBuilder::Decision ChainBuilder::Decide(const Filter& filter,
                                            const std::vector<const PerFilterConfigLevel*>& levels) {
  Decision decision{!filter.disabled, {}};
  bool decided = false;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    for (const auto& [name, any] : (*level)->entries) {
      if (name != filter.name) continue;
      const CompiledEntry& entry = CompileEntry(filter, *any, (*level)->path.Key(name));
      if (!decided) decision.on = !entry.disabled;
      decided = true;
      if (entry.config != nullptr) decision.configs.push_back(entry.config);
    }
  }
  return decision;
}

const ChainBuilder::CompiledEntry& ChainBuilder::CompileEntry(const Filter& filter, const Any& any,
                                                              const ConfigPath& path) {
  auto [found, is_new] = entries_.try_emplace(&any);
  CompiledEntry& entry = found->second;
  if (!is_new) return entry;
  if (!any.Is<envoy::config::route::v3::FilterConfig>()) {
    entry.config = CompileConfig(filter, any, path);
    return entry;
  }
  auto wrapped = Unpack<envoy::config::route::v3::FilterConfig>(any, path);
  if (!wrapped.ok()) {
    diagnostics_.AddStatus(wrapped.status());
    return entry;
  }
  entry.disabled = wrapped->disabled();
  if (wrapped->disabled() && filter.factory->terminal) {
    diagnostics_.Error(path.Field("disabled"), "the last filter answers the requests and can't be disabled");
  }
  if (wrapped->has_config() && !wrapped->disabled()) {
    entry.config = CompileConfig(filter, wrapped->config(), path.Field("config"));
  }
  return entry;
}

std::shared_ptr<const RouteFilterConfig> ChainBuilder::CompileConfig(const Filter& filter, const Any& any,
                                                                     const ConfigPath& path) {
  const FilterFactory& factory = *filter.factory;
  if (factory.make_route == nullptr || factory.route_type.empty()) {
    diagnostics_.Error(path, "the filter \"" + filter.name + "\" takes no per-route configuration");
    return nullptr;
  }
  if (TypeOf(any) != factory.route_type) {
    const FilterFactory* owner = registry_.FindByRouteType(TypeOf(any));
    std::string of = owner == nullptr ? "" : ", which belongs to " + std::string(owner->name);
    diagnostics_.Error(path, "the filter \"" + filter.name + "\" takes a " + std::string(factory.route_type) +
                                 " here, found " + std::string(TypeOf(any)) + of);
    return nullptr;
  }
  FilterContext context{path, diagnostics_, filter.name, stat_prefix_, {}, runtime_};
  return factory.make_route(any, context);
}

std::shared_ptr<const FilterChain> ChainBuilder::Share(FilterChain chain) {
  for (const auto& made : made_) {
    if (SameChain(*made, chain)) return made;
  }
  made_.push_back(std::make_shared<const FilterChain>(std::move(chain)));
  return made_.back();
}

}  // namespace narthex
