#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "filters/header_mutation/mutations.h"

namespace narthex {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether the encoded `name` of a parameter means `key`.
bool Means(std::string_view name, std::string_view key) {
  size_t at = 0;
  for (size_t i = 0; i < name.size(); ++i, ++at) {
    char c = name[i];
    if (c == '%' && i + 2 < name.size() && HexDigit(name[i + 1]) >= 0 && HexDigit(name[i + 2]) >= 0) {
      c = static_cast<char>(HexDigit(name[i + 1]) * 16 + HexDigit(name[i + 2]));
      i += 2;
    }
    if (at == key.size() || key[at] != c) return false;
  }
  return at == key.size();
}

// RFC 3986 section 2.3: all but the unreserved characters.
void AppendEncoded(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

std::vector<std::string> Split(std::string_view query) {
  std::vector<std::string> parameters;
  while (!query.empty()) {
    const size_t end = query.find('&');
    if (end != 0) parameters.emplace_back(query.substr(0, end));
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return parameters;
}

void Apply(const QueryMutation& mutation, const FormatContext& context,
           std::vector<std::string>& parameters) {
  const auto matches = [&](const std::string& parameter) {
    return Means(std::string_view(parameter).substr(0, parameter.find('=')), mutation.key);
  };
  if (mutation.remove) {
    std::erase_if(parameters, matches);
    return;
  }
  using Action = HeaderAddition::Action;
  const auto first = std::find_if(parameters.begin(), parameters.end(), matches);
  const bool exists = first != parameters.end();
  if (mutation.action == Action::kAddIfAbsent && exists) return;
  if (mutation.action == Action::kOverwriteIfExists && !exists) return;
  std::string parameter;
  AppendEncoded(parameter, mutation.key);
  parameter.push_back('=');
  AppendEncoded(parameter, mutation.value.Format(context));
  if (mutation.action == Action::kAppendOrAdd || !exists) {
    parameters.push_back(std::move(parameter));
    return;
  }
  *first = std::move(parameter);
  parameters.erase(std::remove_if(first + 1, parameters.end(), matches), parameters.end());
}

}  // namespace

std::string MutateQuery(std::string_view target, const std::vector<QueryMutation>& mutations,
                        const FormatContext& context) {
  const size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  std::vector<std::string> parameters;
  if (mark != std::string_view::npos) parameters = Split(target.substr(mark + 1));
  for (const QueryMutation& mutation : mutations) Apply(mutation, context, parameters);
  std::string changed(path);
  for (size_t i = 0; i < parameters.size(); ++i) {
    changed.push_back(i == 0 ? '?' : '&');
    changed += parameters[i];
  }
  return changed;
}

}  // namespace narthex
