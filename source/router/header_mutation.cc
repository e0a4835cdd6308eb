#include "source/router/header_mutation.h"

namespace narthex {
namespace {

void Add(HeaderMap& headers, const HeaderAddition& addition, std::string_view value) {
  bool exists = headers.Has(addition.name);
  switch (addition.action) {
    case HeaderAddition::Action::kAppendOrAdd:
      headers.Add(addition.name, value);
      return;
    case HeaderAddition::Action::kAddIfAbsent:
      if (!exists) headers.Add(addition.name, value);
      return;
    case HeaderAddition::Action::kOverwriteOrAdd:
      headers.Set(addition.name, value);
      return;
    case HeaderAddition::Action::kOverwriteIfExists:
      if (exists) headers.Set(addition.name, value);
      return;
  }
}

}  // namespace

bool IsHeaderValue(std::string_view value) {
  for (char c : value) {
    if (c == '\r' || c == '\n' || c == '\0') return false;
  }
  return true;
}

void HeaderMutationLevel::Apply(HeaderMap& headers, const FormatContext& context) const {
  for (const std::string& name : remove) headers.Remove(name);
  std::string value;
  for (const HeaderAddition& addition : add) {
    value.clear();
    addition.value.AppendTo(value, context);
    if (value.empty() && !addition.keep_empty) continue;
    // What an operator took from the request may hold anything; it must not end the line.
    if (IsHeaderValue(value)) Add(headers, addition, value);
  }
}

}  // namespace narthex
