#include "source/config/binder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "source/config/deprecated_fields.h"
#include "source/config/known_fields.h"
#include "source/config/suggest.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

const FieldDescriptor* FindField(const Descriptor& type, std::string_view written) {
  std::string name(written);
  if (const FieldDescriptor* field = type.FindFieldByName(name)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) return type.field(i);
  }
  return nullptr;
}

// What an error calls the value that a field takes.
std::string TypeName(const FieldDescriptor& field) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return field.message_type()->full_name();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) return field.enum_type()->full_name();
  return field.type_name();
}

}  // namespace

void Bind(Tree& tree, Message& message, const BindOptions& options, Diagnostics& diagnostics) {
  Binder(tree.files, options, diagnostics).BindMessage(tree.root, message);
}

void Binder::BindMessage(Node& node, Message& message) {
  if (BindWellKnown(node, message)) return;
  if (node.kind != Node::Kind::kMapping) {
    std::string expected =
        absl::StrCat("expected a mapping (", message.GetDescriptor()->full_name(), "), found ");
    Report(node, Severity::kError, expected + DescribeNode(node));
    return;
  }
  BindFields(node, message, /*in_any=*/false);
}

void Binder::BindFields(Node& node, Message& message, bool in_any) {
  std::vector<const Node*> seen(static_cast<size_t>(message.GetDescriptor()->field_count()), nullptr);
  for (Node& child : node.children) {
    if (in_any && child.name == "@type") continue;
    BindChild(child, message, seen);
  }
}

void Binder::BindChild(Node& child, Message& message, std::vector<const Node*>& seen) {
  const FieldDescriptor* field = FindField(*message.GetDescriptor(), child.name);
  if (field == nullptr) {
    UnknownField(child, message);
    return;
  }
  // The descriptor outlives the tree, so that its name may stand in the node.
  child.name = field->name();
  path_.Field(field->name());
  if (!TakesTwice(child, message, field, seen) && (child.kind != Node::Kind::kNull || BindsNull(*field))) {
    WarnDeprecated(child, field);
    BindField(child, message, field);
  }
  path_.Pop();
}

bool Binder::TakesTwice(const Node& child, const Message& message, const FieldDescriptor* field,
                        std::vector<const Node*>& seen) {
  size_t slot = static_cast<size_t>(field->index());
  if (seen[slot] != nullptr) {
    ReportKey(child, Severity::kError, absl::StrCat("is set twice, first at line ", seen[slot]->name_line));
    return true;
  }
  seen[slot] = &child;
  if (child.kind == Node::Kind::kNull || field->real_containing_oneof() == nullptr) return false;
  const auto* oneof = field->real_containing_oneof();
  for (int i = 0; i < oneof->field_count(); ++i) {
    const Node* other = seen[static_cast<size_t>(oneof->field(i)->index())];
    if (other == nullptr || other == &child || other->kind == Node::Kind::kNull) continue;
    std::string text =
        absl::StrCat("\"", oneof->field(i)->name(), "\" (line ", other->name_line, ") and \"", field->name());
    path_.Pop();
    ReportKey(child, Severity::kError,
              absl::StrCat(text, "\" are both set; ", message.GetDescriptor()->name(), " takes one ",
                           oneof->name()));
    path_.Field(field->name());
    return true;
  }
  return false;
}

void Binder::WarnDeprecated(const Node& child, const FieldDescriptor* field) {
  if (!field->options().deprecated()) return;
  ReportKey(child, Severity::kWarning,
            DescribeDeprecated(field->containing_type()->full_name(), field->name()));
}

void Binder::UnknownField(const Node& child, const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  std::string name(child.name);
  std::string snake;
  for (char c : name) {
    bool upper = c >= 'A' && c <= 'Z';
    if (upper) snake.push_back('_');
    snake.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (IsKnownToEnvoy(type.full_name(), name) || IsKnownToEnvoy(type.full_name(), snake)) {
    Severity severity = options_.tolerate_unsupported ? Severity::kWarning : Severity::kError;
    ReportKey(child, severity, absl::StrCat("field \"", name, "\" exists in Envoy v3 but is not supported"));
    return;
  }
  ReportKey(child, Severity::kError, absl::StrCat("unknown field \"", name, "\""), SuggestField(type, snake));
}

void Binder::BindField(Node& node, Message& message, const FieldDescriptor* field) {
  if (field->is_map()) {
    BindMap(node, message, field);
  } else if (field->is_repeated()) {
    BindList(node, message, field);
  } else {
    BindValue(node, message, field);
  }
}

void Binder::BindList(Node& node, Message& message, const FieldDescriptor* field) {
  if (node.kind != Node::Kind::kSequence) {
    Report(node, Severity::kError,
           absl::StrCat("expected a list of ", TypeName(*field), ", found ", DescribeNode(node)));
    return;
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    path_.Index(i);
    BindValue(node.children[i], message, field);
    path_.Pop();
  }
}

void Binder::BindMap(Node& node, Message& message, const FieldDescriptor* field) {
  const FieldDescriptor* value_field = field->message_type()->map_value();
  if (node.kind != Node::Kind::kMapping) {
    Report(node, Severity::kError,
           absl::StrCat("expected a mapping to ", TypeName(*value_field), ", found ", DescribeNode(node)));
    return;
  }
  const FieldDescriptor* key_field = field->message_type()->map_key();
  for (Node& child : node.children) {
    child.map_entry = true;
    path_.Key(child.name);
    Node key;
    key.kind = Node::Kind::kScalar;
    key.text = child.name;
    Message* entry = message.GetReflection()->AddMessage(&message, field);
    absl::Status status = BindScalar(key, *entry, key_field);
    if (!status.ok()) ReportKey(child, Severity::kError, absl::StrCat("key: ", status.message()));
    BindValue(child, *entry, value_field);
    path_.Pop();
  }
}

void Binder::BindValue(Node& node, Message& message, const FieldDescriptor* field) {
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    const Reflection* reflection = message.GetReflection();
    BindMessage(node, field->is_repeated() ? *reflection->AddMessage(&message, field)
                                           : *reflection->MutableMessage(&message, field));
    return;
  }
  absl::Status status = BindScalar(node, message, field);
  if (status.ok()) return;
  std::string suggestion;
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM && node.kind == Node::Kind::kScalar) {
    suggestion = SuggestEnumValue(*field->enum_type(), node.text);
  }
  absl::string_view text = status.message();
  Report(node, Severity::kError, std::string_view(text.data(), text.size()), suggestion);
}

Origin Binder::OriginAt(const Node& node, bool key) const {
  Origin origin;
  if (node.file < files_.size()) origin.file = files_[node.file];
  key = key && node.name_line != 0;
  origin.line = static_cast<int>(key ? node.name_line : node.line);
  origin.column = static_cast<int>(key ? node.name_column : node.column);
  origin.path = path_.ToString();
  return origin;
}

void Binder::Report(const Node& node, Severity severity, std::string_view message,
                    std::string_view suggestion) {
  diagnostics_.Add({OriginAt(node, false), severity, std::string(message), std::string(suggestion)});
}

void Binder::ReportKey(const Node& child, Severity severity, std::string_view message,
                       std::string_view suggestion) {
  diagnostics_.Add({OriginAt(child, true), severity, std::string(message), std::string(suggestion)});
}

}  // namespace narthex
