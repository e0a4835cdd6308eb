#include "source/manager/access_log_filter.h"

#include <charconv>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "source/base/random.h"
#include "source/router/compile_matchers.h"
#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

namespace accesslog_v3 = envoy::config::accesslog::v3;

using Filters = std::vector<std::unique_ptr<const AccessLogFilter>>;

// A predicate in a function: most filters are one.
class Predicate : public AccessLogFilter {
 public:
  using Function = std::function<bool(const FormatContext&)>;
  explicit Predicate(Function passes) : passes_(std::move(passes)) {}
  bool Passes(const FormatContext& context) const override { return passes_(context); }

 private:
  Function passes_;
};

std::unique_ptr<const AccessLogFilter> Make(Predicate::Function passes) {
  return std::make_unique<Predicate>(std::move(passes));
}

class AllOf : public AccessLogFilter {
 public:
  explicit AllOf(Filters filters) : filters_(std::move(filters)) {}
  bool Passes(const FormatContext& context) const override {
    for (const auto& filter : filters_) {
      if (!filter->Passes(context)) return false;
    }
    return true;
  }

 private:
  Filters filters_;
};

class AnyOf : public AccessLogFilter {
 public:
  explicit AnyOf(Filters filters) : filters_(std::move(filters)) {}
  bool Passes(const FormatContext& context) const override {
    for (const auto& filter : filters_) {
      if (filter->Passes(context)) return true;
    }
    return false;
  }

 private:
  Filters filters_;
};

// Without a runtime value, the default counts.
struct Comparison {
  Comparison(const accesslog_v3::ComparisonFilter& config, const RuntimeLookup& runtime) : op(config.op()) {
    double number = RuntimeNumber(runtime, config.value().runtime_key(), config.value().default_value());
    bound = number > 0 ? static_cast<uint64_t>(number) : 0;
  }
  bool Holds(uint64_t value) const {
    switch (op) {
      case accesslog_v3::ComparisonFilter::GE:
        return value >= bound;
      case accesslog_v3::ComparisonFilter::LE:
        return value <= bound;
      case accesslog_v3::ComparisonFilter::NE:
        return value != bound;
      default:
        return value == bound;
    }
  }
  accesslog_v3::ComparisonFilter::Op op;
  uint64_t bound = 0;
};

std::unique_ptr<const AccessLogFilter> CompileStatus(const accesslog_v3::StatusCodeFilter& config,
                                                     const RuntimeLookup& runtime) {
  return Make([comparison = Comparison(config.comparison(), runtime)](const FormatContext& context) {
    const int status = context.exchange == nullptr ? 0 : context.exchange->response_status;
    return comparison.Holds(static_cast<uint64_t>(status));
  });
}

std::unique_ptr<const AccessLogFilter> CompileDuration(const accesslog_v3::DurationFilter& config,
                                                       const RuntimeLookup& runtime) {
  return Make([comparison = Comparison(config.comparison(), runtime)](const FormatContext& context) {
    if (context.exchange == nullptr) return false;
    const ExchangeTimes& times = context.exchange->times;
    // A local reply is mapped before its exchange has ended.
    const uint64_t end = times.end != 0 ? times.end : context.exchange->loop().NowUs();
    return times.start != 0 && end >= times.start && comparison.Holds((end - times.start) / 1000);
  });
}

// Bits that the services of one request share: the head of its id.
uint64_t BitsOf(const FormatContext& context) {
  uint64_t bits = 0;
  if (context.request != nullptr) {
    const std::string_view id = context.request->Get(Header::kXRequestId).substr(0, 8);
    const auto parsed = std::from_chars(id.data(), id.data() + id.size(), bits, 16);
    if (id.size() == 8 && parsed.ptr == id.data() + id.size()) return bits;
  }
  return context.exchange == nullptr ? Random64() : context.exchange->random;
}

std::unique_ptr<const AccessLogFilter> CompileRuntime(const accesslog_v3::RuntimeFilter& config,
                                                      const ConfigPath& path, Diagnostics& diagnostics,
                                                      const RuntimeLookup& runtime) {
  FractionMatcher share =
      CompileFraction(config.percent_sampled(), path.Field("percent_sampled"), diagnostics);
  if (runtime && runtime(config.runtime_key())) {
    share = FractionMatcher::OfPercent(*runtime(config.runtime_key()));
  }
  return Make([share, independent = config.use_independent_randomness()](const FormatContext& context) {
    return share.Matches(independent ? Random64() : BitsOf(context));
  });
}

std::unique_ptr<const AccessLogFilter> CompileHeader(const accesslog_v3::HeaderFilter& config,
                                                     const ConfigPath& path, Diagnostics& diagnostics) {
  HeaderMatcher matcher;
  if (!CompileHeaderMatcher(config.header(), path.Field("header"), diagnostics, matcher)) return nullptr;
  return Make([matcher = std::move(matcher)](const FormatContext& context) {
    return context.request == nullptr ? matcher.Matches(HeaderMap()) : matcher.Matches(*context.request);
  });
}

std::unique_ptr<const AccessLogFilter> CompileFlags(const accesslog_v3::ResponseFlagFilter& config,
                                                    const ConfigPath& path, Diagnostics& diagnostics) {
  uint64_t wanted = 0;
  for (int i = 0; i < config.flags_size(); ++i) {
    const ResponseFlag flag = FindResponseFlag(config.flags(i));
    if (flag == ResponseFlag::kNone) {
      diagnostics.Error(path.Field("flags").Index(static_cast<size_t>(i)),
                        "Narthex never sets the response flag \"" + config.flags(i) + "\"");
      return nullptr;
    }
    wanted |= uint64_t{1} << static_cast<int>(flag);
  }
  if (wanted == 0) wanted = ~uint64_t{0};
  return Make([wanted](const FormatContext& context) {
    return context.exchange != nullptr && (context.exchange->flags() & wanted) != 0;
  });
}

std::unique_ptr<const AccessLogFilter> CompileGrpcStatus(const accesslog_v3::GrpcStatusFilter& config) {
  uint64_t wanted = 0;
  for (const int status : config.statuses()) wanted |= uint64_t{1} << status;
  return Make([wanted, exclude = config.exclude()](const FormatContext& context) {
    constexpr uint64_t kUnknown = 2;
    const uint64_t status = GrpcStatusOf(context).value_or(kUnknown);
    const bool found = status < 64 && ((wanted >> status) & 1) != 0;
    return found != exclude;
  });
}

struct FilterCompileContext {
  Diagnostics& diagnostics;
  const RuntimeLookup& runtime;
};

// False after an error; all errors are reported.
template <class M>
bool CompileAll(const M& config, const ConfigPath& path, const FilterCompileContext& context,
                Filters& filters) {
  bool ok = true;
  for (int i = 0; i < config.filters_size(); ++i) {
    auto filter =
        CompileAccessLogFilter(config.filters(i), path.Field("filters").Index(static_cast<size_t>(i)),
                               context.diagnostics, context.runtime);
    ok = ok && filter != nullptr;
    filters.push_back(std::move(filter));
  }
  return ok;
}

}  // namespace

std::unique_ptr<const AccessLogFilter> CompileAccessLogFilter(const accesslog_v3::AccessLogFilter& config,
                                                              const ConfigPath& path,
                                                              Diagnostics& diagnostics,
                                                              const RuntimeLookup& runtime) {
  using Proto = accesslog_v3::AccessLogFilter;
  const FilterCompileContext context{diagnostics, runtime};
  Filters filters;
  switch (config.filter_specifier_case()) {
    case Proto::kStatusCodeFilter:
      return CompileStatus(config.status_code_filter(), runtime);
    case Proto::kDurationFilter:
      return CompileDuration(config.duration_filter(), runtime);
    case Proto::kNotHealthCheckFilter:
      return Make([](const FormatContext& context) {
        return context.exchange == nullptr || !context.exchange->is_health_check;
      });
    case Proto::kRuntimeFilter:
      return CompileRuntime(config.runtime_filter(), path.Field("runtime_filter"), diagnostics, runtime);
    case Proto::kAndFilter:
      if (!CompileAll(config.and_filter(), path.Field("and_filter"), context, filters)) return nullptr;
      return std::make_unique<AllOf>(std::move(filters));
    case Proto::kOrFilter:
      if (!CompileAll(config.or_filter(), path.Field("or_filter"), context, filters)) return nullptr;
      return std::make_unique<AnyOf>(std::move(filters));
    case Proto::kHeaderFilter:
      return CompileHeader(config.header_filter(), path.Field("header_filter"), diagnostics);
    case Proto::kResponseFlagFilter:
      return CompileFlags(config.response_flag_filter(), path.Field("response_flag_filter"), diagnostics);
    case Proto::kGrpcStatusFilter:
      return CompileGrpcStatus(config.grpc_status_filter());
    case Proto::FILTER_SPECIFIER_NOT_SET:
      break;
  }
  diagnostics.Error(path, "names no filter");
  return nullptr;
}

}  // namespace narthex
