#pragma once

#include <string_view>

#include "source/substitution/formatter.h"

namespace narthex {

// The function behind an operator's name ("REQ"), or null when there is no such operator. `takes_argument`
// says whether it must be followed by parentheses.
struct FormatOperator {
  std::string_view name;
  bool takes_argument;
  FormatFunction function;
};
const FormatOperator* FindFormatOperator(std::string_view name);

}  // namespace narthex
