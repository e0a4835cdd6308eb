#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/suggest.h"
#include "source/manager/hcm_parts.h"

namespace narthex {
namespace {

std::string_view TypeOf(std::string_view url) {
  size_t slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

std::string NearestFilterType(const FilterRegistry& registry, std::string_view type) {
  // A per-route message in the chain is the usual mistake.
  if (const FilterFactory* owner = registry.FindByRouteType(type)) return std::string(owner->type);
  std::string nearest;
  size_t best = 1 + type.size() / 3;
  for (const FilterFactory& factory : registry.all()) {
    size_t distance = EditDistance(type, factory.type, best);
    if (distance < best) nearest = factory.type, best = distance;
  }
  return nearest;
}

// The factory of a filter, or null after an error.
const FilterFactory* FindFactory(const HttpFilterProto& filter, ConfigPath path, HcmCompileContext& context) {
  if (!filter.has_typed_config()) {
    context.diagnostics.Error(path, "the filter \"" + filter.name() + "\" needs a typed_config");
    return nullptr;
  }
  std::string_view type = TypeOf(filter.typed_config().type_url());
  // Its type is unknown, which has been said.
  if (type.empty() && context.diagnostics.HasErrors()) return nullptr;
  const FilterFactory* factory = context.registry.FindByType(type);
  if (factory == nullptr) {
    context.diagnostics.Error(path.Field("typed_config"), std::string(type) + " is no HTTP filter",
                              NearestFilterType(context.registry, type));
  }
  return factory;
}

void CheckPosition(const HttpFilterList& list, int index, const FilterFactory& factory, ConfigPath path,
                   Diagnostics& diagnostics) {
  bool last = index + 1 == list.size();
  const HttpFilterProto& filter = list.Get(index);
  if (factory.terminal && !last) {
    diagnostics.Error(path,
                      "the filter \"" + filter.name() + "\" answers every request and must be the last one");
  }
  if (!factory.terminal && last) {
    diagnostics.Error(path, "the last filter must be one that answers, but \"" + filter.name() +
                                "\" hands requests on; add envoy.filters.http.router behind it");
  }
  if (factory.terminal && filter.disabled()) {
    diagnostics.Error(path.Field("disabled"), "the last filter answers the requests and can't be disabled");
  }
}

// What typed_per_filter_config says to a name must mean the same in every chain.
void CheckSameType(const HttpFilterProto& filter, const FilterFactory& factory, const ConfigPath& path,
                   const HcmConfig& hcm, Diagnostics& diagnostics) {
  for (const FilterNote& other : hcm.filters) {
    if (other.name != filter.name() || other.type == factory.type) continue;
    diagnostics.Error(path.Field("name"), "the filter of http_filters with the name \"" + other.name +
                                              "\" is of another type, " + other.type);
  }
}

// The filters of one chain; what was written goes to `notes`.
std::vector<ChainBuilder::Filter> CompileChain(const HttpFilterList& protos, const ConfigPath& list,
                                               HcmCompileContext& context, const HcmConfig& hcm,
                                               std::vector<FilterNote>& notes) {
  std::vector<ChainBuilder::Filter> filters;
  for (int i = 0; i < protos.size(); ++i) {
    const HttpFilterProto& filter = protos.Get(i);
    ConfigPath at = list.Index(static_cast<size_t>(i));
    for (int other = 0; other < i; ++other) {
      if (protos.Get(other).name() != filter.name()) continue;
      context.diagnostics.Error(at.Field("name"),
                                "another filter has the name \"" + filter.name() + "\" already");
      break;
    }
    const FilterFactory* factory = FindFactory(filter, at, context);
    if (factory == nullptr) continue;
    CheckPosition(protos, i, *factory, at, context.diagnostics);
    CheckSameType(filter, *factory, at, hcm, context.diagnostics);
    FilterContext filter_context{at.Field("typed_config"), context.diagnostics,  filter.name(),
                                 hcm.stat_prefix,          context.node_cluster, context.runtime,
                                 context.switches};
    std::shared_ptr<const HttpFilter> made = factory->make(filter.typed_config(), filter_context);
    filters.push_back({filter.name(), std::move(made), factory, filter.disabled()});
    notes.push_back({filter.name(), std::string(factory->type), at.Origin().ToString(), filter.disabled()});
  }
  return filters;
}

}  // namespace

ChainBuilder CompileFilters(const HcmProto& config, ConfigPath path, HcmCompileContext& context,
                            HcmConfig& hcm) {
  ConfigPath list = path.Field("http_filters");
  if (config.http_filters_size() == 0) {
    context.diagnostics.Error(list, "needs at least the router: the last filter must be one that answers");
  }
  std::vector<FilterNote> notes;
  ChainBuilder chains(CompileChain(config.http_filters(), list, context, hcm, notes), context.registry,
                      context.diagnostics, hcm.stat_prefix);
  hcm.filters = std::move(notes);
  for (int i = 0; i < config.upgrade_configs_size(); ++i) {
    const HttpFilterList& filters = config.upgrade_configs(i).filters();
    if (filters.empty()) continue;
    list = path.Field("upgrade_configs").Index(static_cast<size_t>(i)).Field("filters");
    chains.AddUpgradeChain(CompileChain(filters, list, context, hcm, hcm.upgrade_filters.emplace_back()));
  }
  chains.UseRuntime(context.runtime);
  return chains;
}

}  // namespace narthex
