#include "source/substitution/formatter.h"

#include <charconv>
#include <utility>

#include "source/base/escape.h"
#include "source/substitution/operators.h"

namespace narthex {
namespace {

// One operator between its percent signs: NAME, NAME(argument), NAME(argument):length.
struct OperatorText {
  std::string_view name;
  std::string_view argument;
  std::string_view length;
  bool has_argument = false;
  bool has_length = false;
  size_t size = 0;  // up to and including the closing percent sign; 0 when there is none
};

OperatorText Split(std::string_view text) {
  OperatorText out;
  size_t at = 0;
  while (at < text.size() && text[at] != '(' && text[at] != '%' && text[at] != ':') ++at;
  out.name = text.substr(0, at);
  if (at < text.size() && text[at] == '(') {
    const size_t close = text.find(')', at);
    if (close == std::string_view::npos) return out;
    out.has_argument = true;
    out.argument = text.substr(at + 1, close - at - 1);
    at = close + 1;
  }
  if (at < text.size() && text[at] == ':') {
    const size_t end = text.find('%', at);
    if (end == std::string_view::npos) return out;
    out.has_length = true;
    out.length = text.substr(at + 1, end - at - 1);
    at = end;
  }
  if (at < text.size() && text[at] == '%') out.size = at + 1;
  return out;
}

// Fills in `arguments`; an error text, or nothing.
std::string ParseArguments(const OperatorText& text, const FormatOperator& known,
                           FormatArguments& arguments) {
  using Argument = FormatOperator::Argument;
  if (known.argument == Argument::kRequired && text.argument.empty())
    return "needs an argument in parentheses";
  if (known.argument == Argument::kNone && text.has_argument) return "takes no argument";
  if (text.has_length && !known.takes_length) return "takes no length";
  if (text.has_length) {
    size_t length = 0;
    const char* end = text.length.data() + text.length.size();
    const auto parsed = std::from_chars(text.length.data(), end, length);
    if (parsed.ec != std::errc() || parsed.ptr != end) return "has a length that is no number";
    arguments.max_length = length;
  }
  arguments.text = text.argument;
  return known.prepare == nullptr ? std::string() : known.prepare(arguments);
}

void AppendValue(std::string& out, const FormatValue& value) {
  if (value.kind == FormatValue::Kind::kNumber) {
    out += std::to_string(value.number);
  } else {
    out += value.text;
  }
}

}  // namespace

absl::StatusOr<SubstitutionFormatter> SubstitutionFormatter::Parse(std::string_view format,
                                                                   const ConfigPath& path, Absent absent) {
  SubstitutionFormatter formatter;
  formatter.absent_ = absent;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) formatter.pieces_.push_back({std::exchange(literal, {}), nullptr, {}});
  };
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      literal += format[at];
      continue;
    }
    if (format.substr(at).starts_with("%%")) {
      literal += '%';
      ++at;
      continue;
    }
    const OperatorText text = Split(format.substr(at + 1));
    const std::string name(text.name);
    if (text.size == 0) return path.Error("the operator \"%" + name + "\" has no closing percent sign");
    const FormatOperator* found = FindFormatOperator(text.name);
    if (found == nullptr) return path.Error("unknown operator \"%" + name + "%\"");
    Piece piece;
    piece.function = found->function;
    const std::string error = ParseArguments(text, *found, piece.arguments);
    if (!error.empty()) return path.Error("the operator \"%" + name + "%\" " + error);
    flush();
    formatter.pieces_.push_back(std::move(piece));
    at += text.size;
  }
  flush();
  return formatter;
}

void SubstitutionFormatter::Piece::Evaluate(const FormatContext& context, FormatValue& value) const {
  value.kind = FormatValue::Kind::kAbsent;
  value.text = {};
  function(context, arguments, value);
  if (arguments.max_length) value.text = value.text.substr(0, *arguments.max_length);
}

template <class Append>
void SubstitutionFormatter::AppendWith(std::string& out, const FormatContext& context, Append append) const {
  FormatValue value;
  for (const Piece& piece : pieces_) {
    if (piece.function == nullptr) {
      out += piece.literal;
      continue;
    }
    piece.Evaluate(context, value);
    if (value.kind != FormatValue::Kind::kAbsent) {
      append(out, value);
    } else if (absent_ == Absent::kDash) {
      out += '-';
    }
  }
}

void SubstitutionFormatter::AppendTo(std::string& out, const FormatContext& context) const {
  AppendWith(out, context, AppendValue);
}

void SubstitutionFormatter::AppendEscapedTo(std::string& out, const FormatContext& context) const {
  AppendWith(out, context, [](std::string& to, const FormatValue& value) {
    // JSON has its own escapes, which leave no control byte of a value.
    if (value.kind != FormatValue::Kind::kText) return AppendValue(to, value);
    AppendLogEscaped(to, value.text);
  });
}

std::string SubstitutionFormatter::Format(const FormatContext& context) const {
  std::string out;
  AppendTo(out, context);
  return out;
}

}  // namespace narthex
