#include "source/substitution/operators.h"

namespace narthex {

const FormatOperator* FindFormatOperator(std::string_view name) {
  for (const auto table :
       {HeaderOperators(), ExchangeOperators(), AddressOperators(), TimeOperators(), TlsOperators()}) {
    for (const FormatOperator& candidate : table) {
      if (candidate.name == name) return &candidate;
    }
  }
  return nullptr;
}

}  // namespace narthex
