#include "source/filter/registry.h"

namespace narthex {

const FilterFactory* FilterRegistry::FindByType(std::string_view type) const {
  for (const FilterFactory& factory : factories_) {
    if (factory.type == type) return &factory;
  }
  return nullptr;
}

const FilterFactory* FilterRegistry::FindByRouteType(std::string_view type) const {
  if (type.empty()) return nullptr;
  for (const FilterFactory& factory : factories_) {
    if (factory.route_type == type) return &factory;
  }
  return nullptr;
}

}  // namespace narthex
