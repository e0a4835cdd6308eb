#include <cctype>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/struct.pb.h"
#include "source/config/binder.h"
#include "source/config/known_fields.h"
#include "source/config/scalar.h"
#include "source/config/suggest.h"

namespace narthex {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string_view View(absl::string_view text) {
  return {text.data(), text.size()};
}

std::string_view NameOfUrl(std::string_view type_url) {
  return type_url.substr(type_url.rfind('/') + 1);
}

bool IsTypedStruct(std::string_view type_url) {
  std::string_view name = NameOfUrl(type_url);
  return name == "xds.type.v3.TypedStruct" || name == "udpa.type.v1.TypedStruct";
}

// The same bytes for the same fields, so that equal configuration has equal bytes.
std::string SerializeInOrder(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  {
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&coded);
  }
  return bytes;
}

std::string SnakeCase(std::string_view camel) {
  std::string snake;
  for (char c : camel) {
    if (std::isupper(static_cast<unsigned char>(c))) snake.push_back('_');
    snake.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return snake;
}

}  // namespace

const Message* FindType(std::string_view type_url) {
  std::string name(NameOfUrl(type_url));
  const Descriptor* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  return type == nullptr ? nullptr
                         : google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
}

std::string DescribeUnknownType(std::string_view type_url, std::string& suggestion) {
  if (type_url.find('/') == std::string_view::npos && FindType(type_url) != nullptr) {
    suggestion = absl::StrCat("type.googleapis.com/", std::string(type_url));
    return absl::StrCat("type URL \"", std::string(type_url), "\" has no slash");
  }
  if (IsKnownToEnvoy(NameOfUrl(type_url), {})) {
    return absl::StrCat("type \"", std::string(type_url), "\" exists in Envoy v3 but is not supported");
  }
  suggestion = SuggestTypeUrl(type_url);
  return absl::StrCat("unknown type \"", std::string(type_url), "\"");
}

bool Binder::BindWellKnown(Node& node, Message& message) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return false;
    case Descriptor::WELLKNOWNTYPE_ANY:
      BindAny(node, message);
      return true;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      BindTime(node, message, /*duration=*/true);
      return true;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      BindTime(node, message, /*duration=*/false);
      return true;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      BindFieldMask(node, message);
      return true;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      BindStructValue(node, message);
      return true;
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      BindStruct(node, message);
      return true;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      BindListValue(node, message);
      return true;
    default:  // the wrappers
      BindValue(node, message, message.GetDescriptor()->field(0));
      return true;
  }
}

bool Binder::ReadTypeUrl(const Node& node, const Node* url, std::string_view key, std::string& type_url) {
  if (url == nullptr || url->kind != Node::Kind::kScalar || url->text.empty()) {
    Report(url == nullptr ? node : *url, Severity::kError,
           absl::StrCat("needs \"", std::string(key),
                        "\", the type URL of the message (type.googleapis.com/...)"));
    return false;
  }
  type_url = std::string(url->text);
  return true;
}

void Binder::BindAny(Node& node, Message& any) {
  if (node.kind != Node::Kind::kMapping) {
    Report(node, Severity::kError,
           absl::StrCat("expected a mapping with \"@type\", found ", DescribeNode(node)));
    return;
  }
  std::string type_url;
  const Node* url = node.Find("@type");
  if (!ReadTypeUrl(node, url, "@type", type_url)) return;
  if (IsTypedStruct(type_url)) {
    if (!SpliceTypedStruct(node)) return;
    url = node.Find("@type");
    type_url = std::string(url->text);
  }
  if (FindType(type_url) != nullptr && type_url.find('/') != std::string::npos) {
    BindAnyAs(node, type_url, any);
    return;
  }
  std::string suggestion;
  std::string text = DescribeUnknownType(type_url, suggestion);
  Report(*url, Severity::kError, text, suggestion);
}

void Binder::BindAnyAs(Node& node, const std::string& type_url, Message& any) {
  google::protobuf::Arena arena;
  Message* inside = FindType(type_url)->New(&arena);
  if (inside->GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    BindFields(node, *inside, /*in_any=*/true);
  } else {
    // A type with a JSON form of its own stands in "value".
    bool found = false;
    for (Node& child : node.children) {
      if (child.name == "@type") continue;
      path_.Field(child.name);
      if (child.name == "value") {
        BindMessage(child, *inside);
        found = true;
      } else {
        ReportKey(child, Severity::kError, "only \"@type\" and \"value\" can stand here");
      }
      path_.Pop();
    }
    if (!found)
      Report(node, Severity::kError,
             absl::StrCat("needs \"value\", the ", inside->GetDescriptor()->full_name()));
  }
  std::string bytes = SerializeInOrder(*inside);
  const Descriptor* type = any.GetDescriptor();
  any.GetReflection()->SetString(&any, type->FindFieldByNumber(Any::kTypeUrlFieldNumber), type_url);
  any.GetReflection()->SetString(&any, type->FindFieldByNumber(Any::kValueFieldNumber), std::move(bytes));
}

// {"@type": TypedStruct, type_url: T, value: {...}} becomes {"@type": T, ...}.
bool Binder::SpliceTypedStruct(Node& node) {
  Node url, value;
  value.kind = Node::Kind::kMapping;
  for (Node& child : node.children) {
    if (child.name == "type_url" || child.name == "typeUrl") {
      url = child;
    } else if (child.name == "value") {
      value = std::move(child);
    } else if (child.name != "@type") {
      ReportKey(child, Severity::kError,
                absl::StrCat("unknown field \"", std::string(child.name), "\" in a TypedStruct"));
    }
  }
  std::string type_url;
  if (!ReadTypeUrl(node, url.kind == Node::Kind::kNull ? nullptr : &url, "type_url", type_url)) return false;
  if (value.kind != Node::Kind::kMapping) {
    Report(value, Severity::kError,
           absl::StrCat("expected a mapping (\"value\"), found ", DescribeNode(value)));
    return false;
  }
  url.name = "@type";
  node.children.clear();
  node.children.push_back(std::move(url));
  for (Node& child : value.children) node.children.push_back(std::move(child));
  return true;
}

void Binder::BindTime(Node& node, Message& message, bool duration) {
  absl::StatusOr<SecondsAndNanos> time = duration ? DurationOf(node) : TimestampOf(node);
  if (!time.ok()) {
    Report(node, Severity::kError, View(time.status().message()));
    return;
  }
  const Descriptor* type = message.GetDescriptor();
  message.GetReflection()->SetInt64(&message, type->FindFieldByName("seconds"), time->seconds);
  message.GetReflection()->SetInt32(&message, type->FindFieldByName("nanos"), time->nanos);
}

void Binder::BindFieldMask(const Node& node, Message& mask) {
  auto text = StringOf(node);
  if (!text.ok()) {
    Report(node, Severity::kError, View(text.status().message()));
    return;
  }
  const FieldDescriptor* paths =
      mask.GetDescriptor()->FindFieldByNumber(google::protobuf::FieldMask::kPathsFieldNumber);
  for (absl::string_view path : absl::StrSplit(*text, ',', absl::SkipEmpty())) {
    mask.GetReflection()->AddString(&mask, paths, SnakeCase(View(path)));
  }
}

void Binder::BindStruct(Node& node, Message& structure) {
  BindMap(node, structure, structure.GetDescriptor()->FindFieldByName("fields"));
}

void Binder::BindListValue(Node& node, Message& list) {
  BindList(node, list, list.GetDescriptor()->FindFieldByName("values"));
}

void Binder::BindStructValue(Node& node, Message& value) {
  const Descriptor* type = value.GetDescriptor();
  const auto* reflection = value.GetReflection();
  switch (node.kind) {
    case Node::Kind::kNull:
      reflection->SetEnumValue(&value, type->FindFieldByName("null_value"), 0);
      return;
    case Node::Kind::kSequence:
      BindListValue(node, *reflection->MutableMessage(&value, type->FindFieldByName("list_value")));
      return;
    case Node::Kind::kMapping:
      BindStruct(node, *reflection->MutableMessage(&value, type->FindFieldByName("struct_value")));
      return;
    case Node::Kind::kScalar:
      break;
  }
  bool boolean = false;
  if (node.plain && ParseBoolText(node.text, boolean)) {
    reflection->SetBool(&value, type->FindFieldByName("bool_value"), boolean);
  } else if (auto number = DoubleOf(node); node.plain && IsNumberText(node.text) && number.ok()) {
    reflection->SetDouble(&value, type->FindFieldByName("number_value"), *number);
  } else {
    reflection->SetString(&value, type->FindFieldByName("string_value"), std::string(node.text));
  }
}

}  // namespace narthex
