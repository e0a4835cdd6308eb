#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "source/config/diagnostics.h"
#include "source/config/path_steps.h"
#include "source/config/tree.h"

namespace narthex {

struct BindOptions {
  bool tolerate_unsupported = false;
};

// Moves a tree into a message by reflection, with the proto3 JSON mapping, and goes on after each error.
// Gives the tree the names of the .proto on its way (`load_assignment` for `loadAssignment`), and puts the
// fields of a TypedStruct where those of the message that it stands for would be, so that an OriginMap made
// of the tree fits the message.
class Binder {
 public:
  Binder(const std::vector<std::string>& files, const BindOptions& options, Diagnostics& diagnostics)
      : files_(files), options_(options), diagnostics_(diagnostics) {}

  void BindMessage(Node& node, google::protobuf::Message& message);

 private:
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;

  void BindFields(Node& node, Message& message, bool in_any);
  void BindChild(Node& child, Message& message, std::vector<const Node*>& seen);
  void BindField(Node& node, Message& message, const FieldDescriptor* field);
  void BindList(Node& node, Message& message, const FieldDescriptor* field);
  void BindMap(Node& node, Message& message, const FieldDescriptor* field);
  void BindValue(Node& node, Message& message, const FieldDescriptor* field);
  static bool BindsNull(const FieldDescriptor& field);
  absl::Status BindScalar(const Node& node, Message& message, const FieldDescriptor* field);
  absl::Status BindEnum(const Node& node, Message& message, const FieldDescriptor* field);
  bool TakesTwice(const Node& child, const Message& message, const FieldDescriptor* field,
                  std::vector<const Node*>& seen);
  void WarnDeprecated(const Node& child, const FieldDescriptor* field);
  void UnknownField(const Node& child, const Message& message);

  // Messages with a JSON form of their own (binder_well_known.cc); false for any other.
  bool BindWellKnown(Node& node, Message& message);
  void BindAny(Node& node, Message& any);
  void BindAnyAs(Node& node, const std::string& type_url, Message& any);
  bool SpliceTypedStruct(Node& node);
  bool ReadTypeUrl(const Node& node, const Node* url, std::string_view key, std::string& type_url);
  void BindStructValue(Node& node, Message& value);
  void BindStruct(Node& node, Message& structure);
  void BindListValue(Node& node, Message& list);
  void BindTime(Node& node, Message& message, bool duration);
  void BindFieldMask(const Node& node, Message& mask);

  void Report(const Node& node, Severity severity, std::string_view message,
              std::string_view suggestion = {});
  void ReportKey(const Node& child, Severity severity, std::string_view message,
                 std::string_view suggestion = {});
  Origin OriginAt(const Node& node, bool key) const;

  const std::vector<std::string>& files_;
  const BindOptions& options_;
  Diagnostics& diagnostics_;
  PathSteps path_;  // down to the value being bound
};

// Binds the whole tree.
void Bind(Tree& tree, google::protobuf::Message& message, const BindOptions& options,
          Diagnostics& diagnostics);

// The prototype of the message that a type URL names; null when this binary has no such message.
const google::protobuf::Message* FindType(std::string_view type_url);
// What is wrong with a type URL that names nothing, and what may have been meant.
std::string DescribeUnknownType(std::string_view type_url, std::string& suggestion);

}  // namespace narthex
