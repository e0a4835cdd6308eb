#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/config/config_path.h"
#include "source/http/exchange.h"
#include "source/http/header_map.h"
#include "source/substitution/time_format.h"

namespace narthex {

// Text with Envoy's command operators, "%REQ(:PATH)% took %DURATION% ms", for access logs, header mutations,
// redirects and local replies.

// What the operators read. Any pointer may be null: operators that need it then yield "absent". Borrowed for
// the duration of a call.
struct FormatContext {
  const Exchange* exchange = nullptr;
  const HeaderMap* request = nullptr;
  const HeaderMap* response = nullptr;
  const HeaderMap* trailers = nullptr;  // of the response
  std::string_view local_reply_body;
};

// What an operator yielded. `text` points into the context, into the operator or into `owned`.
struct FormatValue {
  enum class Kind { kAbsent, kText, kNumber, kJson };  // kJson: `text` is a value of JSON
  Kind kind = Kind::kAbsent;
  std::string_view text;
  int64_t number = 0;
  std::string owned;  // scratch, kept between operators for its capacity
};

// The argument of an operator, parsed at load: REQ(X?Y):Z is first, second and max_length. What the others
// mean is the operator's own affair.
struct FormatArguments {
  std::string text;  // what stood between the parentheses
  std::optional<size_t> max_length;
  std::string first;
  std::string second;
  Header first_known = Header::kUnknown;
  Header second_known = Header::kUnknown;
  int option = 0;
  uint64_t ExchangeTimes::* from = nullptr;
  uint64_t ExchangeTimes::* to = nullptr;
  TimeFormat time;
};

using FormatFunction = void (*)(const FormatContext&, const FormatArguments&, FormatValue&);

// A format string, compiled. Immutable, any thread; formatting allocates nothing but the output's growth and,
// for a few operators, one scratch string.
class SubstitutionFormatter {
 public:
  // What an operator without a value leaves: "-" (access logs) or nothing (header mutations and
  // omit_empty_values).
  enum class Absent { kDash, kEmpty };

  // Parses `format`; "%%" is a percent sign. An unknown operator, a bad argument or an open "%" is an error
  // at `path` that names it. Environment variables are read here, once.
  static absl::StatusOr<SubstitutionFormatter> Parse(std::string_view format, const ConfigPath& path,
                                                     Absent absent = Absent::kDash);

  // Appends the text with the values as they are. The bytes may be any; header mutations must check them.
  void AppendTo(std::string& out, const FormatContext& context) const;
  // The same for a line of a log: in values, control bytes, quotes, backslashes and what isn't UTF-8 are
  // escaped (\n, \", \\, \x80), so that no value can end the line or its quotes. A whole namespace of
  // metadata is JSON with JSON's escapes.
  void AppendEscapedTo(std::string& out, const FormatContext& context) const;
  std::string Format(const FormatContext& context) const;

  // Without operators the text never changes: it is `text()` then.
  bool is_literal() const { return pieces_.empty() || (pieces_.size() == 1 && !pieces_[0].function); }
  std::string_view text() const { return pieces_.empty() ? std::string_view() : pieces_[0].literal; }
  // Whether it is one operator and nothing else: then Evaluate gives its value with its type.
  bool is_operator() const { return pieces_.size() == 1 && pieces_[0].function; }
  void Evaluate(const FormatContext& context, FormatValue& value) const {
    pieces_[0].Evaluate(context, value);
  }

 private:
  // Literal text (no function), or an operator.
  struct Piece {
    std::string literal;
    FormatFunction function = nullptr;
    FormatArguments arguments;

    void Evaluate(const FormatContext& context, FormatValue& value) const;
  };
  template <class Append>
  void AppendWith(std::string& out, const FormatContext& context, Append append) const;

  std::vector<Piece> pieces_;
  Absent absent_ = Absent::kDash;
};

}  // namespace narthex
