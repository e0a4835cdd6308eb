#include "source/substitution/json_format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "google/protobuf/struct.pb.h"
#include "source/base/escape.h"

namespace narthex {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  AppendJsonEscaped(out, text);
  return out + '"';
}

// The shortest text that reads back as `number`. JSON has no infinities.
std::string NumberText(double number) {
  if (!std::isfinite(number)) return "null";
  std::array<char, 32> text;
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

}  // namespace

absl::StatusOr<JsonFormat> JsonFormat::Compile(const Struct& format, const ConfigPath& path,
                                               bool omit_empty_values) {
  JsonFormat json;
  json.omit_empty_values_ = omit_empty_values;
  absl::StatusOr<Node> root = json.CompileObject(format, path);
  if (!root.ok()) return root.status();
  json.root_ = *std::move(root);
  return json;
}

absl::StatusOr<JsonFormat::Node> JsonFormat::CompileObject(const Struct& format, const ConfigPath& path) {
  Node node;
  node.kind = Node::Kind::kObject;
  // A protobuf map has no order.
  std::map<std::string_view, const Value*> sorted;
  for (const auto& [key, value] : format.fields()) sorted.emplace(key, &value);
  for (const auto& [key, value] : sorted) {
    absl::StatusOr<Node> member = CompileValue(*value, path.Key(key));
    if (!member.ok()) return member.status();
    member->key = Quoted(key) + ":";
    node.children.push_back(*std::move(member));
  }
  return node;
}

absl::StatusOr<JsonFormat::Node> JsonFormat::CompileValue(const Value& value, const ConfigPath& path) {
  Node node;
  switch (value.kind_case()) {
    case Value::kStructValue:
      return CompileObject(value.struct_value(), path);
    case Value::kListValue:
      node.kind = Node::Kind::kList;
      for (int i = 0; i < value.list_value().values_size(); ++i) {
        absl::StatusOr<Node> element =
            CompileValue(value.list_value().values(i), path.Index(static_cast<size_t>(i)));
        if (!element.ok()) return element.status();
        node.children.push_back(*std::move(element));
      }
      return node;
    case Value::kStringValue: {
      const auto absent =
          omit_empty_values_ ? SubstitutionFormatter::Absent::kEmpty : SubstitutionFormatter::Absent::kDash;
      absl::StatusOr<SubstitutionFormatter> format =
          SubstitutionFormatter::Parse(value.string_value(), path, absent);
      if (!format.ok()) return format.status();
      if (format->is_literal()) {
        node.text = Quoted(format->text());
      } else {
        node.kind = Node::Kind::kFormat;
        node.format = *std::move(format);
      }
      return node;
    }
    case Value::kNumberValue:
      node.text = NumberText(value.number_value());
      return node;
    case Value::kBoolValue:
      node.text = value.bool_value() ? "true" : "false";
      return node;
    default:
      node.text = "null";
      return node;
  }
}

bool JsonFormat::AppendFormat(std::string& out, const SubstitutionFormatter& format,
                              const FormatContext& context) const {
  if (!format.is_operator()) {
    out += '"';
    AppendJsonEscaped(out, format.Format(context));
    out += '"';
    return true;
  }
  FormatValue value;
  format.Evaluate(context, value);
  switch (value.kind) {
    case FormatValue::Kind::kAbsent:
      return false;
    case FormatValue::Kind::kNumber:
      out += std::to_string(value.number);
      return true;
    case FormatValue::Kind::kJson:
      out += value.text;
      return true;
    case FormatValue::Kind::kText:
      out += '"';
      AppendJsonEscaped(out, value.text);
      out += '"';
      return true;
  }
  return false;
}

void JsonFormat::AppendNode(std::string& out, const Node& node, const FormatContext& context) const {
  switch (node.kind) {
    case Node::Kind::kText:
      out += node.text;
      return;
    case Node::Kind::kFormat:
      if (!AppendFormat(out, node.format, context)) out += "null";
      return;
    case Node::Kind::kObject:
      return AppendObject(out, node, context);
    case Node::Kind::kList:
      out += '[';
      for (const Node& element : node.children) {
        if (&element != &node.children.front()) out += ',';
        AppendNode(out, element, context);
      }
      out += ']';
      return;
  }
}

void JsonFormat::AppendObject(std::string& out, const Node& node, const FormatContext& context) const {
  out += '{';
  bool first = true;
  for (const Node& member : node.children) {
    const size_t before = out.size();
    if (!first) out += ',';
    out += member.key;
    if (omit_empty_values_ && member.kind == Node::Kind::kFormat) {
      if (!AppendFormat(out, member.format, context)) {
        out.resize(before);
        continue;
      }
    } else {
      AppendNode(out, member, context);
    }
    first = false;
  }
  out += '}';
}

void JsonFormat::AppendTo(std::string& out, const FormatContext& context) const {
  AppendObject(out, root_, context);
}

}  // namespace narthex
