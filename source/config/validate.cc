#include "source/config/validate.h"

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/arena.h"
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

// The way down to what is checked, linked through the stack: a ConfigPath costs look-ups, and only what is
// wrong needs one.
class Place {
 public:
  explicit Place(const ConfigPath& root) : root_(&root) {}
  Place(const Place& parent, const FieldDescriptor& field) : parent_(&parent), field_(&field) {}
  Place(const Place& list, size_t index) : parent_(&list), index_(index) {}
  Place(const Place& map, const std::string& key) : parent_(&map), key_(&key) {}

  ConfigPath Path() const {
    if (root_ != nullptr) return *root_;
    const ConfigPath parent = parent_->Path();
    if (field_ != nullptr) return parent.Field(field_->name());
    return key_ != nullptr ? parent.Key(*key_) : parent.Index(index_);
  }

 private:
  const ConfigPath* root_ = nullptr;
  const Place* parent_ = nullptr;
  const FieldDescriptor* field_ = nullptr;
  const std::string* key_ = nullptr;
  size_t index_ = 0;
};

const ValueRules& NoRules() {
  static const ValueRules none;
  return none;
}

class Validator {
 public:
  explicit Validator(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void CheckMessage(const Message& message, const Descriptor& type, const Place& place, int depth) {
    if (depth > kMaxDepth) return Error(place, absl::StrCat("nested deeper than ", kMaxDepth));
    const MessageRules& rules = RulesFor(type);
    if (rules.fields.empty() && rules.required_oneofs.empty()) return;
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> set;
    reflection.ListFields(message, &set);
    // Both are in the order of the fields' numbers.
    auto next = set.begin();
    for (const FieldRules& field : rules.fields) {
      while (next != set.end() && (*next)->number() < field.field->number()) ++next;
      CheckField({message, *field.field, reflection}, next != set.end() && *next == field.field, field.value,
                 place, depth);
    }
    for (const auto* oneof : rules.required_oneofs) {
      if (!reflection.HasOneof(message, oneof)) MissingOneof(*oneof, place);
    }
  }

 private:
  // RulesOf, without its lock.
  const MessageRules& RulesFor(const Descriptor& type) {
    const MessageRules*& rules = rules_[&type];
    if (rules == nullptr) rules = &RulesOf(type);
    return *rules;
  }

  void CheckField(const FieldValue& value, bool set, const ValueRules& rules, const Place& parent,
                  int depth) {
    const FieldDescriptor& field = value.field;
    if (field.is_repeated()) {
      CheckList(value, set, rules, parent, depth);
      return;
    }
    // Rules of a oneof's member are those of the choice that was made.
    if (!set && rules.required && field.real_containing_oneof() == nullptr) {
      Error(parent, absl::StrCat("needs \"", field.name(), "\""));
      return;
    }
    // A field that tells unset from zero has no value to check when it is unset.
    if (!set && field.has_presence()) return;
    CheckValue(value, rules, Place(parent, field), depth);
  }

  void CheckValue(const FieldValue& value, const ValueRules& rules, const Place& path, int depth) {
    if (value.field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      Report(path, BrokenRule(rules, value));
      return;
    }
    const Message& message = value.AsMessage();
    const Descriptor& type = *value.field.message_type();
    switch (type.well_known_type()) {
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
        if (!rules.skip) CheckMessage(message, type, path, depth + 1);
        return;
      case Descriptor::WELLKNOWNTYPE_STRUCT:
      case Descriptor::WELLKNOWNTYPE_VALUE:
      case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      case Descriptor::WELLKNOWNTYPE_FIELDMASK:
        return;
      default:  // the rules of a wrapper are about the value inside
        Report(path, BrokenRule(rules, {message, *type.field(0), *message.GetReflection()}));
        return;
    }
  }

  // Nothing in a configuration lasts less than no time, whatever its rules leave unsaid.
  static std::string BrokenDuration(const ValueRules& rules, const FieldValue& value) {
    std::string broken = BrokenRule(rules, value);
    const bool negative = NanosOf(value.AsMessage()) < 0;
    return broken.empty() && negative ? "must not be negative" : broken;
  }

  void CheckAny(const Message& any, const Place& path, int depth) {
    const Descriptor* type = any.GetDescriptor();
    const Reflection* reflection = any.GetReflection();
    std::string url =
        reflection->GetString(any, type->FindFieldByNumber(google::protobuf::Any::kTypeUrlFieldNumber));
    const Message* prototype = FindType(url);
    if (prototype == nullptr) return;  // whoever reads the Any says so
    google::protobuf::Arena arena;
    Message& inside = *prototype->New(&arena);
    std::string scratch;
    const std::string& bytes = reflection->GetStringReference(
        any, type->FindFieldByNumber(google::protobuf::Any::kValueFieldNumber), &scratch);
    const Descriptor& inner = *inside.GetDescriptor();
    if (!inside.ParsePartialFromString(bytes)) {
      Error(path, absl::StrCat("holds a malformed ", inner.full_name()));
      return;
    }
    if (inner.well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
      CheckMessage(inside, inner, path, depth + 1);
    }
  }

  void CheckList(const FieldValue& all, bool set, const ValueRules& rules, const Place& parent, int depth) {
    static const ListRules kNoRules;
    const ListRules* list = std::get_if<ListRules>(&rules.check);
    if (list == nullptr) list = &kNoRules;
    const FieldDescriptor& field = all.field;
    if (!set && (list->ignore_empty || (!list->min && !list->max))) return;
    const int size = set ? all.reflection.FieldSize(all.message, &field) : 0;
    const Place path(parent, field);
    CheckCount(*list, static_cast<uint64_t>(size), field, size == 0 ? parent : path);
    if (list->unique) CheckUnique(all, size, path);
    const ValueRules& items = list->items == nullptr ? NoRules() : *list->items;
    for (int i = 0; i < size; ++i) {
      if (field.is_map()) {
        CheckEntry(all.reflection.GetRepeatedMessage(all.message, &field, i), field, *list, path, depth);
      } else {
        CheckValue({all.message, field, all.reflection, i}, items, Place(path, static_cast<size_t>(i)),
                   depth);
      }
    }
  }

  void CheckEntry(const Message& entry, const FieldDescriptor& map, const ListRules& rules, const Place& path,
                  int depth) {
    const FieldDescriptor& key = *map.message_type()->map_key();
    const FieldDescriptor& value = *map.message_type()->map_value();
    const Reflection& reflection = *entry.GetReflection();
    const FieldValue key_value{entry, key, reflection};
    const std::string text = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING
                                 ? reflection.GetString(entry, &key)
                                 : key_value.Print();
    const Place place(path, text);
    if (rules.keys != nullptr) {
      std::string broken = BrokenRule(*rules.keys, key_value);
      if (!broken.empty()) Error(place, "key " + broken);
    }
    CheckValue({entry, value, reflection}, rules.values == nullptr ? NoRules() : *rules.values, place, depth);
  }

  void CheckCount(const ListRules& rules, uint64_t size, const FieldDescriptor& field, const Place& path) {
    if (rules.min && size == 0 && *rules.min > 0) {
      Error(path, absl::StrCat("needs \"", field.name(), "\", at least ", *rules.min));
    } else if (rules.min && size < *rules.min) {
      Error(path, absl::StrCat("must have at least ", *rules.min, ", has ", size));
    }
    if (rules.max && size > *rules.max) {
      Error(path, absl::StrCat("must have at most ", *rules.max, ", has ", size));
    }
  }

  void CheckUnique(const FieldValue& all, int size, const Place& path) {
    std::unordered_set<std::string> seen;
    for (int i = 0; i < size; ++i) {
      std::string text = FieldValue{all.message, all.field, all.reflection, i}.Print();
      if (!seen.insert(text).second) Error(Place(path, static_cast<size_t>(i)), "repeats " + text);
    }
  }

  void MissingOneof(const google::protobuf::OneofDescriptor& oneof, const Place& path) {
    std::string names;
    for (int i = 0; i < oneof.field_count(); ++i) {
      if (!oneof.field(i)->options().deprecated())
        absl::StrAppend(&names, names.empty() ? "" : ", ", oneof.field(i)->name());
    }
    Error(path, absl::StrCat("needs one of ", names));
  }

  void Report(const Place& place, const std::string& broken) {
    if (!broken.empty()) Error(place, broken);
  }
  void Error(const Place& place, const std::string& message) { diagnostics_.Error(place.Path(), message); }

  Diagnostics& diagnostics_;
  std::unordered_map<const Descriptor*, const MessageRules*> rules_;
};

}  // namespace

bool Validate(const Message& message, const ConfigPath& path, Diagnostics& diagnostics) {
  size_t errors = diagnostics.error_count();
  Validator(diagnostics).CheckMessage(message, *message.GetDescriptor(), Place(path), 0);
  return diagnostics.error_count() == errors;
}

}  // namespace narthex
