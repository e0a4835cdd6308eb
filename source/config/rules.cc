#include "source/config/rules.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <type_traits>
#include <utility>

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"
#include "validate/validate.pb.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Reads a rule message by the names of its fields: the number types differ in nothing else, and
// validate.proto declares only the rules that some field uses, so that any of them may be absent.
class RuleReader {
 public:
  explicit RuleReader(const Message& rules) : rules_(rules), reflection_(*rules.GetReflection()) {}

  template <typename T>
  void Read(const char* name, std::optional<T>& value) const {
    const FieldDescriptor* field = Find(name);
    if (field != nullptr && reflection_.HasField(rules_, field)) value = Get<T>(field, -1);
  }

  template <typename T>
  void Read(const char* name, std::vector<T>& values) const {
    const FieldDescriptor* field = Find(name);
    int size = field == nullptr ? 0 : reflection_.FieldSize(rules_, field);
    for (int i = 0; i < size; ++i) values.push_back(Get<T>(field, i));
  }

  bool Flag(const char* name, bool when_absent = false) const {
    std::optional<bool> value;
    Read(name, value);
    return value.value_or(when_absent);
  }

  // The message in `name`; null when it is not set.
  const Message* Nested(const char* name) const {
    const FieldDescriptor* field = Find(name);
    if (field == nullptr || !reflection_.HasField(rules_, field)) return nullptr;
    return &reflection_.GetMessage(rules_, field);
  }

 private:
  const FieldDescriptor* Find(const char* name) const {
    return rules_.GetDescriptor()->FindFieldByName(name);
  }

  // The value of `field`, or element `index` of a list.
  template <typename T>
  T Get(const FieldDescriptor* field, int index) const {
    bool list = index >= 0;
    if constexpr (std::is_same_v<T, std::string>) {
      return list ? reflection_.GetRepeatedString(rules_, field, index)
                  : reflection_.GetString(rules_, field);
    } else if constexpr (std::is_same_v<T, bool>) {
      return reflection_.GetBool(rules_, field);
    } else {
      return GetNumber<T>(field, index);
    }
  }

  template <typename T>
  T GetNumber(const FieldDescriptor* field, int index) const {
    bool list = index >= 0;
    const Reflection& r = reflection_;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return static_cast<T>(list ? r.GetRepeatedInt32(rules_, field, index) : r.GetInt32(rules_, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return static_cast<T>(list ? r.GetRepeatedInt64(rules_, field, index) : r.GetInt64(rules_, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return static_cast<T>(list ? r.GetRepeatedUInt32(rules_, field, index) : r.GetUInt32(rules_, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return static_cast<T>(list ? r.GetRepeatedUInt64(rules_, field, index) : r.GetUInt64(rules_, field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return static_cast<T>(list ? r.GetRepeatedFloat(rules_, field, index) : r.GetFloat(rules_, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return static_cast<T>(list ? r.GetRepeatedDouble(rules_, field, index) : r.GetDouble(rules_, field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return static_cast<T>(r.GetEnumValue(rules_, field));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return static_cast<T>(
            NanosOf(list ? r.GetRepeatedMessage(rules_, field, index) : r.GetMessage(rules_, field)));
      default:
        return T();
    }
  }

  const Message& rules_;
  const Reflection& reflection_;
};

template <typename T>
Bounds<T> CompileBounds(const RuleReader& rules) {
  Bounds<T> bounds;
  rules.Read("const", bounds.equal);
  rules.Read("lt", bounds.lt);
  rules.Read("lte", bounds.lte);
  rules.Read("gt", bounds.gt);
  rules.Read("gte", bounds.gte);
  rules.Read("in", bounds.in);
  rules.Read("not_in", bounds.not_in);
  bounds.ignore_empty = rules.Flag("ignore_empty");
  return bounds;
}

TextRules::Form FormOf(const RuleReader& rules) {
  using Form = TextRules::Form;
  constexpr std::pair<const char*, Form> kForms[] = {
      {"email", Form::kEmail},    {"hostname", Form::kHostname}, {"ip", Form::kIp},
      {"ipv4", Form::kIpv4},      {"ipv6", Form::kIpv6},         {"uri", Form::kUri},
      {"uri_ref", Form::kUriRef}, {"address", Form::kAddress},   {"uuid", Form::kUuid}};
  for (auto [name, form] : kForms) {
    if (rules.Flag(name)) return form;
  }
  std::optional<int> regex;
  rules.Read("well_known_regex", regex);
  if (regex == static_cast<int>(validate::HTTP_HEADER_NAME)) return Form::kHeaderName;
  return regex == static_cast<int>(validate::HTTP_HEADER_VALUE) ? Form::kHeaderValue : Form::kNone;
}

TextRules CompileText(const RuleReader& rules, bool is_bytes) {
  TextRules text;
  text.is_bytes = is_bytes;
  rules.Read("const", text.equal);
  rules.Read("prefix", text.prefix);
  rules.Read("suffix", text.suffix);
  rules.Read("contains", text.contains);
  rules.Read("not_contains", text.not_contains);
  rules.Read("len", text.length);
  rules.Read("min_len", text.min_length);
  rules.Read("max_len", text.max_length);
  rules.Read("len_bytes", text.bytes);
  rules.Read("min_bytes", text.min_bytes);
  rules.Read("max_bytes", text.max_bytes);
  rules.Read("in", text.in);
  rules.Read("not_in", text.not_in);
  text.form = FormOf(rules);
  text.strict = rules.Flag("strict", /*when_absent=*/true);
  text.ignore_empty = rules.Flag("ignore_empty");
  std::optional<std::string> pattern;
  rules.Read("pattern", pattern);
  if (pattern) text.pattern = std::make_unique<re2::RE2>(*pattern, re2::RE2::Quiet);
  return text;
}

EnumRules CompileEnum(const RuleReader& rules) {
  EnumRules compiled;
  compiled.defined_only = rules.Flag("defined_only");
  rules.Read("const", compiled.equal);
  rules.Read("in", compiled.in);
  rules.Read("not_in", compiled.not_in);
  return compiled;
}

ValueRules CompileValue(const Message& rules);

std::unique_ptr<ValueRules> CompileNested(const RuleReader& rules, const char* name) {
  const Message* nested = rules.Nested(name);
  return nested == nullptr ? nullptr : std::make_unique<ValueRules>(CompileValue(*nested));
}

// RepeatedRules and MapRules.
ListRules CompileList(const RuleReader& rules) {
  ListRules list;
  rules.Read("min_items", list.min);
  rules.Read("max_items", list.max);
  rules.Read("min_pairs", list.min);
  rules.Read("max_pairs", list.max);
  list.unique = rules.Flag("unique");
  list.ignore_empty = rules.Flag("ignore_empty");
  list.items = CompileNested(rules, "items");
  list.keys = CompileNested(rules, "keys");
  list.values = CompileNested(rules, "values");
  return list;
}

AnyRules CompileAny(const RuleReader& rules) {
  AnyRules any;
  rules.Read("in", any.in);
  rules.Read("not_in", any.not_in);
  return any;
}

// `type` is the name of the field of FieldRules that holds `rules`.
void CompileCheck(std::string_view type, const RuleReader& rules, ValueRules& value) {
  if (type == "string" || type == "bytes") {
    value.check = CompileText(rules, type == "bytes");
  } else if (type == "enum") {
    value.check = CompileEnum(rules);
  } else if (type == "repeated" || type == "map") {
    value.check = CompileList(rules);
  } else if (type == "any") {
    value.check = CompileAny(rules);
  } else if (type == "float" || type == "double") {
    value.check = CompileBounds<double>(rules);
  } else if (type == "bool") {
    std::optional<bool> equal;
    rules.Read("const", equal);
    if (equal) value.check = BoolRules{*equal};
  } else {
    value.check = CompileBounds<absl::int128>(rules);
  }
}

// `rules` is a validate.FieldRules.
ValueRules CompileValue(const Message& rules) {
  ValueRules value;
  std::vector<const FieldDescriptor*> set;
  rules.GetReflection()->ListFields(rules, &set);
  for (const FieldDescriptor* field : set) {
    RuleReader reader(rules.GetReflection()->GetMessage(rules, field));
    value.required = value.required || reader.Flag("required");
    value.skip = value.skip || reader.Flag("skip");
    if (field->name() != "message") CompileCheck(field->name(), reader, value);
  }
  return value;
}

// Whether the message type opts out of checking.
bool IsUnchecked(const Descriptor& type) {
  const Message& options = type.options();
  const Reflection* reflection = options.GetReflection();
  for (const char* name : {"validate.disabled", "validate.ignored"}) {
    const FieldDescriptor* option = reflection->FindKnownExtensionByName(name);
    if (option != nullptr && reflection->GetBool(options, option)) return true;
  }
  return false;
}

// Whether the field holds messages that have rules of their own, or are in themselves subject to some.
bool HoldsRules(const FieldDescriptor& field) {
  const FieldDescriptor* value = field.is_map() ? field.message_type()->map_value() : &field;
  if (value->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return false;
  switch (value->message_type()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
    case Descriptor::WELLKNOWNTYPE_ANY:
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return true;
    default:
      return false;
  }
}

std::unique_ptr<MessageRules> Compile(const Descriptor& type) {
  auto rules = std::make_unique<MessageRules>();
  if (IsUnchecked(type)) return rules;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    bool has_rules = field->options().HasExtension(validate::rules);
    if (!has_rules && !HoldsRules(*field)) continue;
    FieldRules& compiled = rules->fields.emplace_back();
    compiled.field = field;
    if (has_rules) compiled.value = CompileValue(field->options().GetExtension(validate::rules));
  }
  std::sort(rules->fields.begin(), rules->fields.end(),
            [](const FieldRules& a, const FieldRules& b) { return a.field->number() < b.field->number(); });
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    const auto* oneof = type.oneof_decl(i);
    if (oneof->options().GetExtension(validate::required)) rules->required_oneofs.push_back(oneof);
  }
  return rules;
}

}  // namespace

absl::int128 NanosOf(const Message& time) {
  const Descriptor* type = time.GetDescriptor();
  const Reflection* reflection = time.GetReflection();
  absl::int128 seconds = reflection->GetInt64(time, type->FindFieldByNumber(1));
  return seconds * 1'000'000'000 + reflection->GetInt32(time, type->FindFieldByNumber(2));
}

const MessageRules& RulesOf(const Descriptor& type) {
  static std::mutex* mutex = new std::mutex;
  static auto* compiled = new std::map<const Descriptor*, std::unique_ptr<MessageRules>>;
  std::lock_guard<std::mutex> lock(*mutex);
  std::unique_ptr<MessageRules>& rules = (*compiled)[&type];
  if (rules == nullptr) rules = Compile(type);
  return *rules;
}

}  // namespace narthex
