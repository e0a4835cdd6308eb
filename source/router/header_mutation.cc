#include "source/router/header_mutation.h"

#include "absl/container/inlined_vector.h"

namespace narthex {
namespace {

using Action = HeaderAddition::Action;

bool Overwrites(const HeaderAddition& addition) {
  return addition.action == Action::kOverwriteOrAdd || addition.action == Action::kOverwriteIfExists;
}

// Whether the addition has an effect on these headers.
bool Applies(const HeaderAddition& addition, const HeaderMap& headers) {
  if (addition.action == Action::kAddIfAbsent) return !headers.Has(addition.name);
  return addition.action != Action::kOverwriteIfExists || headers.Has(addition.name);
}

void Write(HeaderMap& headers, const HeaderAddition& addition, std::string_view value) {
  if (Overwrites(addition)) {
    headers.Set(addition.name, value);
  } else {
    headers.Add(addition.name, value);
  }
}

// The value of one addition: the configured text, or a stretch of the scratch text.
struct Pending {
  const HeaderAddition* addition;
  size_t begin = 0;
  size_t size = 0;

  std::string_view Value(const std::string& scratch) const {
    if (addition->value.is_literal()) return addition->value.text();
    return std::string_view(scratch).substr(begin, size);
  }
};

}  // namespace

bool IsHeaderValue(std::string_view value) {
  for (char c : value) {
    if (c == '\r' || c == '\n' || c == '\0') return false;
  }
  return true;
}

void HeaderMutationLevel::Apply(HeaderMap& headers, const FormatContext& context) const {
  for (const std::string& name : remove) headers.Remove(name);
  std::string scratch;
  absl::InlinedVector<Pending, 8> pending;
  for (const HeaderAddition& addition : add) {
    Pending one{&addition, scratch.size()};
    if (!addition.value.is_literal()) addition.value.AppendTo(scratch, context);
    one.size = scratch.size() - one.begin;
    std::string_view value = one.Value(scratch);
    // What an operator took from the request may hold anything; it must not end the line.
    bool fine = value.empty() ? addition.keep_empty : IsHeaderValue(value);
    if (fine && Applies(addition, headers)) pending.push_back(one);
  }
  for (bool overwriting : {true, false}) {
    for (const Pending& one : pending) {
      if (Overwrites(*one.addition) == overwriting) Write(headers, *one.addition, one.Value(scratch));
    }
  }
}

void ApplyToLocalReply(const HeaderMutations& mutations, HeaderMap& headers, const FormatContext& context) {
  constexpr std::string_view kUsual = "text/plain";
  const bool usual = headers.Get(Header::kContentType) == kUsual;
  if (usual) headers.Remove(Header::kContentType);
  mutations.Apply(headers, context);
  if (usual && !headers.Has(Header::kContentType)) headers.Add(Header::kContentType, kUsual);
}

}  // namespace narthex
