#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/substitution/formatter.h"

namespace google::protobuf {
class Struct;
class Value;
}  // namespace google::protobuf

namespace narthex {

// A JSON object whose strings are formats. A string that is one operator takes the type of its value (number,
// string, null); other strings stay strings. Keys are sorted, as Envoy sorts them. Whatever the values hold,
// the text is JSON without a line break. Immutable, any thread.
class JsonFormat {
 public:
  static absl::StatusOr<JsonFormat> Compile(const google::protobuf::Struct& format, const ConfigPath& path,
                                            bool omit_empty_values);

  void AppendTo(std::string& out, const FormatContext& context) const;

 private:
  struct Node {
    enum class Kind { kText, kFormat, kObject, kList } kind = Kind::kText;
    std::string key;   // of an object's member, as ready JSON: `"name":`
    std::string text;  // kText: ready JSON
    SubstitutionFormatter format;
    std::vector<Node> children;  // of an object or a list
  };

  absl::StatusOr<Node> CompileObject(const google::protobuf::Struct& format, const ConfigPath& path);
  absl::StatusOr<Node> CompileValue(const google::protobuf::Value& value, const ConfigPath& path);
  // False, with nothing appended, for an operator without a value.
  bool AppendFormat(std::string& out, const SubstitutionFormatter& format,
                    const FormatContext& context) const;
  void AppendNode(std::string& out, const Node& node, const FormatContext& context) const;
  void AppendObject(std::string& out, const Node& node, const FormatContext& context) const;

  bool omit_empty_values_ = false;
  Node root_;
};

}  // namespace narthex
