#pragma once

#include <span>
#include <string>
#include <string_view>

#include "source/substitution/formatter.h"

namespace narthex {

// A command operator: %NAME%, %NAME(argument)%, %NAME(argument):length%.
struct FormatOperator {
  enum class Argument { kNone, kOptional, kRequired };

  std::string_view name;
  FormatFunction function;
  Argument argument = Argument::kNone;
  bool takes_length = false;
  // Takes the argument's text apart, at load; an error text, or nothing.
  std::string (*prepare)(FormatArguments& arguments) = nullptr;
};

// Null when there is no operator of that name.
const FormatOperator* FindFormatOperator(std::string_view name);

// The tables, by what the operators read. Immutable.
std::span<const FormatOperator> HeaderOperators();
std::span<const FormatOperator> ExchangeOperators();
std::span<const FormatOperator> AddressOperators();
std::span<const FormatOperator> TimeOperators();
std::span<const FormatOperator> TlsOperators();

// What an operator's function leaves in its value.
inline void SetText(FormatValue& value, std::string_view text) {
  value.kind = FormatValue::Kind::kText;
  value.text = text;
}
// Absent when empty.
inline void SetTextIfAny(FormatValue& value, std::string_view text) {
  if (!text.empty()) SetText(value, text);
}
inline void SetOwned(FormatValue& value, std::string text) {
  value.owned = std::move(text);
  SetTextIfAny(value, value.owned);
}
inline void SetNumber(FormatValue& value, uint64_t number) {
  value.kind = FormatValue::Kind::kNumber;
  value.number = static_cast<int64_t>(number);
}

}  // namespace narthex
