#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/numeric/int128.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "re2/re2.h"

namespace narthex {

// The validate.rules options of one message type, compiled. Immutable once made.

// Bounds of a number. Integers, durations and times (in nanoseconds) are int128, real numbers double.
template <typename T>
struct Bounds {
  std::optional<T> equal, lt, lte, gt, gte;
  std::vector<T> in, not_in;
  bool ignore_empty = false;
};

// Strings and bytes.
struct TextRules {
  enum class Form {
    kNone,
    kEmail,
    kHostname,
    kIp,
    kIpv4,
    kIpv6,
    kUri,
    kUriRef,
    kAddress,
    kUuid,
    kHeaderName,
    kHeaderValue
  };

  bool is_bytes = false;
  std::optional<std::string> equal, prefix, suffix, contains, not_contains;
  std::optional<uint64_t> length, min_length, max_length;  // characters; bytes of a bytes field
  std::optional<uint64_t> bytes, min_bytes, max_bytes;
  std::unique_ptr<re2::RE2> pattern;
  std::vector<std::string> in, not_in;
  Form form = Form::kNone;
  bool strict = true;  // of a header name or value
  bool ignore_empty = false;
};

struct EnumRules {
  bool defined_only = false;
  std::optional<int> equal;
  std::vector<int> in, not_in;
};

struct AnyRules {
  std::vector<std::string> in, not_in;  // type URLs
};

struct BoolRules {
  bool equal = false;
};

struct ValueRules;

// How many elements a list or a map has, and what each must be.
struct ListRules {
  std::optional<uint64_t> min, max;
  bool unique = false;
  bool ignore_empty = false;
  std::unique_ptr<ValueRules> items, keys, values;
};

struct ValueRules {
  bool required = false;
  bool skip = false;  // do not look inside the message
  std::variant<std::monostate, Bounds<absl::int128>, Bounds<double>, TextRules, EnumRules, AnyRules,
               BoolRules, ListRules>
      check;
};

struct FieldRules {
  const google::protobuf::FieldDescriptor* field = nullptr;
  ValueRules value;
};

struct MessageRules {
  // Those with rules, and those that hold messages which may have some, in the order of their numbers.
  std::vector<FieldRules> fields;
  std::vector<const google::protobuf::OneofDescriptor*> required_oneofs;
};

// Thread-safe. Compiled at the first call for a type and kept for the life of the process.
const MessageRules& RulesOf(const google::protobuf::Descriptor& type);

// The nanoseconds of a google.protobuf.Duration or Timestamp.
absl::int128 NanosOf(const google::protobuf::Message& time);

// One value: a field (index -1) or an element of a list, of the message that holds it.
struct FieldValue {
  const google::protobuf::Message& message;
  const google::protobuf::FieldDescriptor& field;
  const google::protobuf::Reflection& reflection;  // of `message`, which takes a while to say
  int index = -1;

  const google::protobuf::Message& AsMessage() const {
    return index < 0 ? reflection.GetMessage(message, &field)
                     : reflection.GetRepeatedMessage(message, &field, index);
  }
  // As protobuf text.
  std::string Print() const;
};

// What `value` breaks, "must be ...", or "". Does not look into lists and messages other than Duration,
// Timestamp and Any.
std::string BrokenRule(const ValueRules& rules, const FieldValue& value);

// What a text breaks, or "".
std::string BrokenRule(const TextRules& rules, const std::string& value);
// Whether `value` has the form: also for others who check such text.
bool HasForm(TextRules::Form form, bool strict, std::string_view value);

}  // namespace narthex
