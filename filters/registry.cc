#include "filters/registry.h"

namespace narthex {

// The table: a filter that is not in it does not exist. For each row NAME, the folder of the filter defines
//     FilterFactory NAMEFilter();
// and filters/BUILD.bazel depends on it.
#define NARTHEX_FILTERS(ROW) \
  ROW(AdaptiveConcurrency)   \
  ROW(AdmissionControl)      \
  ROW(Buffer)                \
  ROW(Fault)                 \
  ROW(GrpcStats)             \
  ROW(GrpcWeb)               \
  ROW(HeaderMutation)        \
  ROW(HealthCheck)           \
  ROW(Router)

#define NARTHEX_DECLARE(NAME) FilterFactory NAME##Filter();
NARTHEX_FILTERS(NARTHEX_DECLARE)
#undef NARTHEX_DECLARE

std::span<const FilterFactory> BuiltInFilters() {
#define NARTHEX_MAKE(NAME) NAME##Filter(),
  static const FilterFactory kTable[] = {NARTHEX_FILTERS(NARTHEX_MAKE)};
#undef NARTHEX_MAKE
  return kTable;
}

}  // namespace narthex
