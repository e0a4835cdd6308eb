#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "source/config/rules.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsAny(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
}

#define NARTHEX_GET(Kind)                                                    \
  (value.index < 0 ? value.reflection.Get##Kind(value.message, &value.field) \
                   : value.reflection.GetRepeated##Kind(value.message, &value.field, value.index))

template <typename T>
T NumberOf(const FieldValue& value) {
  switch (value.field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return static_cast<T>(NARTHEX_GET(Int32));
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<T>(NARTHEX_GET(Int64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return static_cast<T>(NARTHEX_GET(UInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<T>(NARTHEX_GET(UInt64));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return static_cast<T>(NARTHEX_GET(Float));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return static_cast<T>(NARTHEX_GET(Double));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return static_cast<T>(NanosOf(value.AsMessage()));
    default:
      return T();
  }
}

std::string PrintNumber(double number, const FieldDescriptor&) {
  return absl::StrCat(number);
}

std::string PrintNumber(absl::int128 number, const FieldDescriptor& field) {
  bool time = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (time) return absl::StrCat(static_cast<double>(number) / 1e9, "s");
  return number < 0 ? absl::StrCat(static_cast<int64_t>(number))
                    : absl::StrCat(static_cast<uint64_t>(number));
}

// Whether the bounds leave out what is between them.
template <typename T>
bool IsCrossed(const Bounds<T>& bounds) {
  if ((!bounds.gt && !bounds.gte) || (!bounds.lt && !bounds.lte)) return false;
  return (bounds.lt ? *bounds.lt : *bounds.lte) < (bounds.gt ? *bounds.gt : *bounds.gte);
}

// "greater than 1 and at most 5": where a number must be.
template <typename T>
std::string PrintRange(const Bounds<T>& bounds, const FieldDescriptor& field) {
  auto print = [&](T bound) { return PrintNumber(bound, field); };
  const std::string low = bounds.gt    ? "greater than " + print(*bounds.gt)
                          : bounds.gte ? "at least " + print(*bounds.gte)
                                       : "";
  const std::string high = bounds.lt    ? "less than " + print(*bounds.lt)
                           : bounds.lte ? "at most " + print(*bounds.lte)
                                        : "";
  const char* between = low.empty() || high.empty() ? "" : IsCrossed(bounds) ? " or " : " and ";
  return absl::StrCat(low, between, high);
}

// What the number breaks, or "". Written so that NaN breaks every bound.
template <typename T>
std::string BrokenBounds(const Bounds<T>& bounds, T number, const FieldDescriptor& field) {
  auto print = [&](T bound) { return PrintNumber(bound, field); };
  auto join = [&](const std::vector<T>& list) {
    return absl::StrJoin(list, ", ", [&](std::string* out, T item) { *out += print(item); });
  };
  if (bounds.ignore_empty && number == T()) return {};
  const bool above = (!bounds.gt || number > *bounds.gt) && (!bounds.gte || number >= *bounds.gte);
  const bool below = (!bounds.lt || number < *bounds.lt) && (!bounds.lte || number <= *bounds.lte);
  if (IsCrossed(bounds) ? !above && !below : !above || !below) {
    return absl::StrCat("must be ", PrintRange(bounds, field), ", is ", print(number));
  }
  if (bounds.equal && number != *bounds.equal)
    return absl::StrCat("must be ", print(*bounds.equal), ", is ", print(number));
  auto among = [&](const std::vector<T>& list) {
    return std::find(list.begin(), list.end(), number) != list.end();
  };
  if (!bounds.in.empty() && !among(bounds.in))
    return absl::StrCat("must be one of ", join(bounds.in), ", is ", print(number));
  if (among(bounds.not_in)) return absl::StrCat("must not be ", print(number));
  return {};
}

std::string EnumName(const EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr ? absl::StrCat(number) : value->name();
}

std::string BrokenEnum(const EnumRules& rules, int number, const EnumDescriptor& type) {
  auto among = [&](const std::vector<int>& list) {
    return std::find(list.begin(), list.end(), number) != list.end();
  };
  if (rules.defined_only && type.FindValueByNumber(number) == nullptr) {
    return absl::StrCat("must be a value of ", type.full_name(), ", is ", number);
  }
  if (rules.equal && number != *rules.equal)
    return absl::StrCat("must be ", EnumName(type, *rules.equal), ", is ", EnumName(type, number));
  if (!rules.in.empty() && !among(rules.in)) {
    auto print = [&](std::string* out, int item) { *out += EnumName(type, item); };
    return absl::StrCat("must be one of ", absl::StrJoin(rules.in, ", ", print), ", is ",
                        EnumName(type, number));
  }
  return among(rules.not_in) ? absl::StrCat("must not be ", EnumName(type, number)) : std::string();
}

std::string BrokenAny(const AnyRules& rules, const Message& any) {
  const FieldDescriptor* url =
      any.GetDescriptor()->FindFieldByNumber(google::protobuf::Any::kTypeUrlFieldNumber);
  std::string type_url = any.GetReflection()->GetString(any, url);
  auto among = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), type_url) != list.end();
  };
  if (!rules.in.empty() && !among(rules.in)) {
    return absl::StrCat("must hold one of ", absl::StrJoin(rules.in, ", "), "; holds ", type_url);
  }
  return among(rules.not_in) ? absl::StrCat("must not hold a ", type_url) : std::string();
}

// What `value` itself breaks: reads the value by the type of the rule.
struct BrokenValue {
  const FieldValue& value;

  std::string operator()(const std::monostate&) const { return {}; }
  std::string operator()(const ListRules&) const { return {}; }
  std::string operator()(const Bounds<absl::int128>& bounds) const {
    return BrokenBounds(bounds, NumberOf<absl::int128>(value), value.field);
  }
  std::string operator()(const Bounds<double>& bounds) const {
    return BrokenBounds(bounds, NumberOf<double>(value), value.field);
  }
  std::string operator()(const TextRules& rules) const {
    if (value.field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) return {};
    std::string scratch;
    const std::string& text =
        value.index < 0
            ? value.reflection.GetStringReference(value.message, &value.field, &scratch)
            : value.reflection.GetRepeatedStringReference(value.message, &value.field, value.index, &scratch);
    return BrokenRule(rules, text);
  }
  std::string operator()(const EnumRules& rules) const {
    if (value.field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return {};
    return BrokenEnum(rules, NARTHEX_GET(EnumValue), *value.field.enum_type());
  }
  std::string operator()(const AnyRules& rules) const {
    return IsAny(value.field) ? BrokenAny(rules, value.AsMessage()) : std::string();
  }
  std::string operator()(const BoolRules& rules) const {
    if (value.field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL || NARTHEX_GET(Bool) == rules.equal)
      return {};
    return rules.equal ? "must be true" : "must be false";
  }
};
#undef NARTHEX_GET

}  // namespace

std::string FieldValue::Print() const {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &text);
  return text;
}

std::string BrokenRule(const ValueRules& rules, const FieldValue& value) {
  return std::visit(BrokenValue{value}, rules.check);
}

}  // namespace narthex
