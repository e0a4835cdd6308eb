#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
}  // namespace google::protobuf

namespace narthex {

// The number of edits (insert, delete, replace, swap neighbours; case counts nothing) that make `b` of `a`,
// or `limit` + 1 when it takes more than `limit`.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);

// What was probably meant by `written`, or "" when nothing is close: a field of `type`, a value of `type`, or
// the type URL of a message that this binary has.
std::string SuggestField(const google::protobuf::Descriptor& type, std::string_view written);
std::string SuggestEnumValue(const google::protobuf::EnumDescriptor& type, std::string_view written);
std::string SuggestTypeUrl(std::string_view written);

}  // namespace narthex
