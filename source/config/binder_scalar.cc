#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "source/config/binder.h"
#include "source/config/scalar.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Sets or, for a repeated field, appends.
#define NARTHEX_STORE(Kind, value)                        \
  const Reflection* reflection = message.GetReflection(); \
  if (field->is_repeated()) {                             \
    reflection->Add##Kind(&message, field, value);        \
  } else {                                                \
    reflection->Set##Kind(&message, field, value);        \
  }                                                       \
  return absl::OkStatus()

absl::Status StoreSigned(const Node& node, Message& message, const FieldDescriptor* field) {
  bool narrow = field->cpp_type() == FieldDescriptor::CPPTYPE_INT32;
  int64_t low = narrow ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int64_t>::min();
  int64_t high = narrow ? std::numeric_limits<int32_t>::max() : std::numeric_limits<int64_t>::max();
  auto value = SignedOf(node, low, high, field->type_name());
  if (!value.ok()) return value.status();
  if (narrow) {
    NARTHEX_STORE(Int32, static_cast<int32_t>(*value));
  }
  NARTHEX_STORE(Int64, *value);
}

absl::Status StoreUnsigned(const Node& node, Message& message, const FieldDescriptor* field) {
  bool narrow = field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
  uint64_t high = narrow ? std::numeric_limits<uint32_t>::max() : std::numeric_limits<uint64_t>::max();
  auto value = UnsignedOf(node, high, field->type_name());
  if (!value.ok()) return value.status();
  if (narrow) {
    NARTHEX_STORE(UInt32, static_cast<uint32_t>(*value));
  }
  NARTHEX_STORE(UInt64, *value);
}

absl::Status StoreReal(const Node& node, Message& message, const FieldDescriptor* field) {
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
    auto value = FloatOf(node);
    if (!value.ok()) return value.status();
    NARTHEX_STORE(Float, *value);
  }
  auto value = DoubleOf(node);
  if (!value.ok()) return value.status();
  NARTHEX_STORE(Double, *value);
}

absl::Status StoreBool(const Node& node, Message& message, const FieldDescriptor* field) {
  auto value = BoolOf(node);
  if (!value.ok()) return value.status();
  NARTHEX_STORE(Bool, *value);
}

absl::Status StoreString(const Node& node, Message& message, const FieldDescriptor* field) {
  auto value = field->type() == FieldDescriptor::TYPE_BYTES ? BytesOf(node) : StringOf(node);
  if (!value.ok()) return value.status();
  NARTHEX_STORE(String, *std::move(value));
}

absl::Status StoreEnum(const EnumValueDescriptor* value, Message& message, const FieldDescriptor* field) {
  NARTHEX_STORE(Enum, value);
}
#undef NARTHEX_STORE

}  // namespace

bool Binder::BindsNull(const FieldDescriptor& field) {
  if (field.is_repeated()) return false;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
  }
  return field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
         field.enum_type()->full_name() == "google.protobuf.NullValue";
}

absl::Status Binder::BindScalar(const Node& node, Message& message, const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return StoreSigned(node, message, field);
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return StoreUnsigned(node, message, field);
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return StoreReal(node, message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return StoreBool(node, message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return BindEnum(node, message, field);
    default:
      return StoreString(node, message, field);
  }
}

absl::Status Binder::BindEnum(const Node& node, Message& message, const FieldDescriptor* field) {
  const auto* type = field->enum_type();
  const EnumValueDescriptor* value = nullptr;
  if (node.kind == Node::Kind::kNull && BindsNull(*field)) value = type->value(0);
  if (node.kind == Node::Kind::kScalar) {
    value = type->FindValueByName(std::string(node.text));
    auto number =
        SignedOf(node, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max(), "int32");
    if (value == nullptr && number.ok()) value = type->FindValueByNumber(static_cast<int>(*number));
  }
  if (value == nullptr) {
    std::string names;
    for (int i = 0; i < type->value_count() && i < 12; ++i)
      absl::StrAppend(&names, i ? ", " : "", type->value(i)->name());
    if (type->value_count() > 12) names += ", ...";
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of ", names, "; found ", DescribeNode(node)));
  }
  if (value->options().deprecated()) {
    Report(node, Severity::kWarning, absl::StrCat("value \"", value->name(), "\" is deprecated"));
  }
  return StoreEnum(value, message, field);
}

}  // namespace narthex
