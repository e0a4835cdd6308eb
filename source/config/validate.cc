#include "source/config/validate.h"

#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"
#include "source/config/binder.h"
#include "source/config/rules.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxDepth = 128;

class Validator {
 public:
  explicit Validator(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void CheckMessage(const Message& message, const ConfigPath& path, int depth) {
    if (depth > kMaxDepth) return diagnostics_.Error(path, absl::StrCat("nested deeper than ", kMaxDepth));
    const MessageRules& rules = RulesOf(*message.GetDescriptor());
    for (const FieldRules& field : rules.fields) CheckField(message, field, path, depth);
    for (const auto* oneof : rules.required_oneofs) {
      if (!message.GetReflection()->HasOneof(message, oneof)) MissingOneof(*oneof, path);
    }
  }

 private:
  void CheckField(const Message& message, const FieldRules& rules, const ConfigPath& parent, int depth) {
    const FieldDescriptor& field = *rules.field;
    if (field.is_repeated()) {
      CheckList(message, rules, parent, depth);
      return;
    }
    bool set = message.GetReflection()->HasField(message, &field);
    // Rules of a oneof's member are those of the choice that was made.
    if (!set && rules.value.required && field.real_containing_oneof() == nullptr) {
      diagnostics_.Error(parent, absl::StrCat("needs \"", field.name(), "\""));
      return;
    }
    // A field that tells unset from zero has no value to check when it is unset.
    if (!set && field.has_presence()) return;
    CheckValue({message, field}, rules.value, parent.Field(field.name()), depth);
  }

  void CheckValue(const FieldValue& value, const ValueRules& rules, const ConfigPath& path, int depth) {
    if (value.field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      Report(path, BrokenRule(rules, value));
      return;
    }
    const Message& message = value.AsMessage();
    switch (message.GetDescriptor()->well_known_type()) {
      case Descriptor::WELLKNOWNTYPE_ANY:
        Report(path, BrokenRule(rules, value));
        if (!rules.skip) CheckAny(message, path, depth);
        return;
      case Descriptor::WELLKNOWNTYPE_DURATION:
        Report(path, BrokenDuration(rules, value));
        return;
      case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
        Report(path, BrokenRule(rules, value));
        return;
      case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
        if (!rules.skip) CheckMessage(message, path, depth + 1);
        return;
      case Descriptor::WELLKNOWNTYPE_STRUCT:
      case Descriptor::WELLKNOWNTYPE_VALUE:
      case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      case Descriptor::WELLKNOWNTYPE_FIELDMASK:
        return;
      default:  // the rules of a wrapper are about the value inside
        Report(path, BrokenRule(rules, {message, *message.GetDescriptor()->field(0)}));
        return;
    }
  }

  // Nothing in a configuration lasts less than no time, whatever its rules leave unsaid.
  static std::string BrokenDuration(const ValueRules& rules, const FieldValue& value) {
    std::string broken = BrokenRule(rules, value);
    const bool negative = NanosOf(value.AsMessage()) < 0;
    return broken.empty() && negative ? "must not be negative" : broken;
  }

  void CheckAny(const Message& any, const ConfigPath& path, int depth) {
    const Descriptor* type = any.GetDescriptor();
    const Reflection* reflection = any.GetReflection();
    std::string url =
        reflection->GetString(any, type->FindFieldByNumber(google::protobuf::Any::kTypeUrlFieldNumber));
    const Message* prototype = FindType(url);
    if (prototype == nullptr) return;  // whoever reads the Any says so
    std::unique_ptr<Message> inside(prototype->New());
    std::string bytes =
        reflection->GetString(any, type->FindFieldByNumber(google::protobuf::Any::kValueFieldNumber));
    if (!inside->ParsePartialFromString(bytes)) {
      diagnostics_.Error(path, absl::StrCat("holds a malformed ", inside->GetDescriptor()->full_name()));
      return;
    }
    if (inside->GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
      CheckMessage(*inside, path, depth + 1);
    }
  }

  void CheckList(const Message& message, const FieldRules& rules, const ConfigPath& parent, int depth) {
    static const ListRules kNoRules;
    const ListRules* list = std::get_if<ListRules>(&rules.value.check);
    if (list == nullptr) list = &kNoRules;
    const FieldDescriptor& field = *rules.field;
    int size = message.GetReflection()->FieldSize(message, &field);
    if (size == 0 && (list->ignore_empty || (!list->min && !list->max))) return;
    ConfigPath path = parent.Field(field.name());
    CheckCount(*list, static_cast<uint64_t>(size), field, size == 0 ? parent : path);
    if (list->unique) CheckUnique(message, field, path);
    for (int i = 0; i < size; ++i) {
      if (field.is_map()) {
        CheckEntry(message.GetReflection()->GetRepeatedMessage(message, &field, i), field, *list, path,
                   depth);
      } else {
        CheckElement({message, field, i}, list->items.get(), path.Index(static_cast<size_t>(i)), depth);
      }
    }
  }

  void CheckElement(const FieldValue& value, const ValueRules* rules, const ConfigPath& path, int depth) {
    static const ValueRules kNoRules;
    CheckValue(value, rules == nullptr ? kNoRules : *rules, path, depth);
  }

  void CheckEntry(const Message& entry, const FieldDescriptor& map, const ListRules& rules,
                  const ConfigPath& path, int depth) {
    const FieldDescriptor& key = *map.message_type()->map_key();
    const FieldDescriptor& value = *map.message_type()->map_value();
    std::string text = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING
                           ? entry.GetReflection()->GetString(entry, &key)
                           : FieldValue{entry, key}.Print();
    ConfigPath place = path.Key(text);
    if (rules.keys != nullptr) {
      std::string broken = BrokenRule(*rules.keys, {entry, key});
      if (!broken.empty()) diagnostics_.Error(place, "key " + broken);
    }
    CheckElement({entry, value}, rules.values.get(), place, depth);
  }

  void CheckCount(const ListRules& rules, uint64_t size, const FieldDescriptor& field,
                  const ConfigPath& path) {
    if (rules.min && size == 0 && *rules.min > 0) {
      diagnostics_.Error(path, absl::StrCat("needs \"", field.name(), "\", at least ", *rules.min));
    } else if (rules.min && size < *rules.min) {
      diagnostics_.Error(path, absl::StrCat("must have at least ", *rules.min, ", has ", size));
    }
    if (rules.max && size > *rules.max) {
      diagnostics_.Error(path, absl::StrCat("must have at most ", *rules.max, ", has ", size));
    }
  }

  void CheckUnique(const Message& message, const FieldDescriptor& field, const ConfigPath& path) {
    std::unordered_set<std::string> seen;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
      std::string text = FieldValue{message, field, i}.Print();
      if (!seen.insert(text).second)
        diagnostics_.Error(path.Index(static_cast<size_t>(i)), "repeats " + text);
    }
  }

  void MissingOneof(const google::protobuf::OneofDescriptor& oneof, const ConfigPath& path) {
    std::string names;
    for (int i = 0; i < oneof.field_count(); ++i) {
      if (!oneof.field(i)->options().deprecated())
        absl::StrAppend(&names, names.empty() ? "" : ", ", oneof.field(i)->name());
    }
    diagnostics_.Error(path, absl::StrCat("needs one of ", names));
  }

  void Report(const ConfigPath& path, const std::string& broken) {
    if (!broken.empty()) diagnostics_.Error(path, broken);
  }

  Diagnostics& diagnostics_;
};

}  // namespace

bool Validate(const Message& message, const ConfigPath& path, Diagnostics& diagnostics) {
  size_t errors = diagnostics.error_count();
  Validator(diagnostics).CheckMessage(message, path, 0);
  return diagnostics.error_count() == errors;
}

}  // namespace narthex
