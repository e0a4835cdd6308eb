#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"

namespace narthex {

// Which parts of a document are wanted: a FieldMask ("cluster.name,last_updated") that also reaches through
// what is no protobuf message here. Immutable.
class DumpMask {
 public:
  DumpMask() = default;  // all of it
  // Empty: all of it.
  explicit DumpMask(std::string_view paths);

  bool all() const { return paths_.empty(); }
  // Whether each of its paths begins with one of these members.
  bool Fits(std::initializer_list<std::string_view> members) const;
  // What is wanted of a member; nothing when it is to be left out.
  std::optional<DumpMask> Of(std::string_view member) const;
  // Takes everything else out of the message. False, and nothing done, when it has no such fields.
  bool Trim(google::protobuf::Message& message) const;

 private:
  std::vector<std::string> paths_;
};

}  // namespace narthex
