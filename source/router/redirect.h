#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "source/router/path_rewrite.h"
#include "source/substitution/formatter.h"

namespace narthex {

struct CompiledRoute;

// A redirect: what is empty or zero stays as in the request. Immutable, thread-safe.
struct RedirectAction {
  int status = 301;
  std::string scheme;
  std::string host;
  uint32_t port = 0;
  bool strip_query = false;
  enum class Path : uint8_t { kKeep, kReplace, kPrefix, kRegex, kFormat } path_kind = Path::kKeep;
  std::string path;  // the new path (its own query wins), the new prefix, or the substitution
  std::shared_ptr<const Regex> regex;
  std::shared_ptr<const SubstitutionFormatter> format;
};

// The Location of a redirect for the request that `context` holds (its exchange may be null). Empty when a
// rewrite leaves a path without a slash in front: it would go on with the name of the host, as in
// http://shop.test.other.test, or when no host is known, in whose place a client would read the path.
// REQUIRES: context.request.
std::string RedirectLocation(const RedirectAction& action, const CompiledRoute& route,
                             const FormatContext& context);

}  // namespace narthex
