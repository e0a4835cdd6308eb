#include "source/config/proto_source.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/unknown_field_set.h"
#include "re2/re2.h"
#include "source/config/deprecated_fields.h"
#include "source/config/known_fields.h"
#include "source/config/path_steps.h"
#include "source/config/suggest.h"
#include "source/config/utf8.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

constexpr int kMaxDepth = 128;

// Walks a parsed message and gives the tree a node for everything that is set. Through Any, as the binder
// does.
class ShapeReader {
 public:
  ShapeReader(std::string_view file, Tree& tree, const BindOptions& options, Diagnostics& diagnostics)
      : file_(file), tree_(tree), options_(options), diagnostics_(diagnostics) {}

  void Read(const Message& message, const TextFormat::ParseInfoTree* positions, Node& node, int depth) {
    if (depth > kMaxDepth) return Report(node, absl::StrCat("nested deeper than ", kMaxDepth));
    node.kind = Node::Kind::kMapping;
    FindUnknown(message, node);
    if (message.GetDescriptor()->full_name() == "google.protobuf.Any")
      return ReadAny(message, positions, node, depth);
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      Node& child = node.children.emplace_back();
      child.name = field->name();
      path_.Field(field->name());
      Place(positions, field, field->is_repeated() ? 0 : -1, child);
      WarnDeprecated(*field, child);
      if (field->is_map()) {
        ReadMap(message, *field, positions, child, depth);
      } else if (field->is_repeated()) {
        ReadList(message, *field, positions, child, depth);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Read(message.GetReflection()->GetMessage(message, field), Nested(positions, field, -1), child,
             depth + 1);
      } else {
        ReadScalar(message, *field, -1, child);
      }
      path_.Pop();
    }
  }

 private:
  // Binary says only numbers, which do not tell an unsupported field from one that does not exist.
  void FindUnknown(const Message& message, const Node& node) {
    Severity severity = options_.tolerate_unsupported ? Severity::kWarning : Severity::kError;
    const auto& unknown = message.GetReflection()->GetUnknownFields(message);
    for (int i = 0; i < unknown.field_count(); ++i) {
      std::string number = absl::StrCat("field number ", unknown.field(i).number(), " of ");
      Add(node, severity, absl::StrCat(number, message.GetDescriptor()->full_name(), " is not supported"),
          {});
    }
  }

  void ReadScalar(const Message& message, const FieldDescriptor& field, int index, Node& node) {
    node.kind = Node::Kind::kScalar;
    if (field.type() != FieldDescriptor::TYPE_STRING) return;
    const Reflection* reflection = message.GetReflection();
    std::string scratch;
    const std::string& text = index < 0
                                  ? reflection->GetStringReference(message, &field, &scratch)
                                  : reflection->GetRepeatedStringReference(message, &field, index, &scratch);
    if (!IsUtf8(text)) Report(node, "is not valid UTF-8");
  }

  void ReadList(const Message& message, const FieldDescriptor& field,
                const TextFormat::ParseInfoTree* positions, Node& node, int depth) {
    node.kind = Node::Kind::kSequence;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
      Node& child = node.children.emplace_back();
      // A list in brackets has one position for all of its elements.
      child.line = node.line;
      child.column = node.column;
      Place(positions, &field, i, child);
      path_.Index(static_cast<size_t>(i));
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const Message& element = message.GetReflection()->GetRepeatedMessage(message, &field, i);
        Read(element, Nested(positions, &field, i), child, depth + 1);
      } else {
        ReadScalar(message, field, i, child);
      }
      path_.Pop();
    }
  }

  void ReadMap(const Message& message, const FieldDescriptor& field,
               const TextFormat::ParseInfoTree* positions, Node& node, int depth) {
    node.kind = Node::Kind::kMapping;
    const FieldDescriptor* value = field.message_type()->map_value();
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
      const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
      Node& child = node.children.emplace_back();
      child.map_entry = true;
      child.name = tree_.Keep(KeyText(entry, *field.message_type()->map_key()));
      Place(positions, &field, i, child);
      path_.Key(child.name);
      const TextFormat::ParseInfoTree* inside = Nested(positions, &field, i);
      ReadScalar(entry, *field.message_type()->map_key(), -1, child);
      if (value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Read(entry.GetReflection()->GetMessage(entry, value), Nested(inside, value, -1), child, depth + 1);
      } else {
        ReadScalar(entry, *value, -1, child);
      }
      path_.Pop();
    }
  }

  static std::string KeyText(const Message& entry, const FieldDescriptor& key) {
    if (key.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
      return entry.GetReflection()->GetString(entry, &key);
    std::string text;
    TextFormat::PrintFieldValueToString(entry, &key, -1, &text);
    return text;
  }

  void ReadAny(const Message& any, const TextFormat::ParseInfoTree* positions, Node& node, int depth) {
    const Descriptor* type = any.GetDescriptor();
    std::string url = any.GetReflection()->GetString(
        any, type->FindFieldByNumber(google::protobuf::Any::kTypeUrlFieldNumber));
    std::string value = any.GetReflection()->GetString(
        any, type->FindFieldByNumber(google::protobuf::Any::kValueFieldNumber));
    const Message* prototype = FindType(url);
    if (prototype == nullptr) {
      std::string suggestion;
      std::string text = DescribeUnknownType(url, suggestion);
      return Report(node, text, suggestion);
    }
    std::unique_ptr<Message> inside(prototype->New());
    if (!inside->ParsePartialFromString(value))
      return Report(node, absl::StrCat("holds a malformed ", inside->GetDescriptor()->full_name()));
    Read(*inside, positions, node, depth + 1);
  }

  static const TextFormat::ParseInfoTree* Nested(const TextFormat::ParseInfoTree* positions,
                                                 const FieldDescriptor* field, int index) {
    return positions == nullptr ? nullptr : positions->GetTreeForNested(field, index);
  }

  static void Place(const TextFormat::ParseInfoTree* positions, const FieldDescriptor* field, int index,
                    Node& node) {
    if (positions == nullptr) return;
    TextFormat::ParseLocation at = positions->GetLocation(field, index);
    if (at.line < 0) return;
    node.line = static_cast<uint32_t>(at.line + 1);
    node.column = static_cast<uint32_t>(at.column + 1);
  }

  void WarnDeprecated(const FieldDescriptor& field, const Node& node) {
    if (field.options().deprecated())
      Add(node, Severity::kWarning, DescribeDeprecated(field.containing_type()->full_name(), field.name()),
          {});
  }

  void Report(const Node& node, std::string message, std::string suggestion = {}) {
    Add(node, Severity::kError, std::move(message), std::move(suggestion));
  }

  void Add(const Node& node, Severity severity, std::string message, std::string suggestion) {
    Origin origin{std::string(file_), static_cast<int>(node.line), static_cast<int>(node.column), {}};
    origin.path = path_.ToString();
    diagnostics_.Add({std::move(origin), severity, std::move(message), std::move(suggestion)});
  }

  std::string_view file_;
  Tree& tree_;
  const BindOptions& options_;
  Diagnostics& diagnostics_;
  PathSteps path_;
};

// What the text parser complains of. Unknown fields arrive as warnings, so that it goes on and finds all of
// them.
class TextErrors : public google::protobuf::io::ErrorCollector {
 public:
  TextErrors(std::string_view file, const BindOptions& options, Diagnostics& diagnostics)
      : file_(file), options_(options), diagnostics_(diagnostics) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    Add(line, column, Severity::kError, message, {});
  }

  void AddWarning(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    static const re2::RE2 kUnknown("Message type \"([^\"]+)\" has no field named \"([^\"]+)\"");
    std::string type_name, field;
    // Other warnings are about deprecated fields, which the walk over the message finds with their paths.
    if (!re2::RE2::PartialMatch(message, kUnknown, &type_name, &field)) return;
    if (IsKnownToEnvoy(type_name, field)) {
      Severity severity = options_.tolerate_unsupported ? Severity::kWarning : Severity::kError;
      Add(line, column, severity,
          absl::StrCat("field \"", field, "\" exists in Envoy v3 but is not supported"), {});
      return;
    }
    const Descriptor* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type_name);
    Add(line, column, Severity::kError, absl::StrCat("unknown field \"", field, "\" in ", type_name),
        type == nullptr ? std::string() : SuggestField(*type, field));
  }

 private:
  void Add(int line, int column, Severity severity, std::string message, std::string suggestion) {
    Origin origin{std::string(file_), line + 1, column + 1, {}};
    diagnostics_.Add({std::move(origin), severity, std::move(message), std::move(suggestion)});
  }

  std::string_view file_;
  const BindOptions& options_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool ParseProtoText(std::string_view file, std::string_view text, Message& message, Tree& tree,
                    const BindOptions& options, Diagnostics& diagnostics) {
  tree.files.emplace_back(file);
  TextErrors errors(file, options, diagnostics);
  TextFormat::ParseInfoTree positions;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&positions);
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(kMaxDepth);
  if (!parser.ParseFromString(std::string(text), &message)) return false;
  tree.root.line = 1;
  tree.root.column = 1;
  ShapeReader(file, tree, options, diagnostics).Read(message, &positions, tree.root, 0);
  return true;
}

bool ParseProtoBinary(std::string_view file, std::string_view bytes, Message& message, Tree& tree,
                      const BindOptions& options, Diagnostics& diagnostics) {
  tree.files.emplace_back(file);
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    Origin origin{std::string(file), 0, 0, {}};
    diagnostics.Add(
        {origin, Severity::kError, absl::StrCat("not a binary ", message.GetDescriptor()->full_name()), {}});
    return false;
  }
  ShapeReader(file, tree, options, diagnostics).Read(message, nullptr, tree.root, 0);
  return true;
}

}  // namespace narthex
