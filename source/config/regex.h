#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace narthex {

// An RE2 expression, matched in time linear to the text. Text that is not UTF-8 is matched byte by byte, so
// that a stray byte cannot slip past an expression. Immutable, thread-safe.
class Regex {
 public:
  // Null and `error` set when the expression is malformed or compiles to a program that is too large.
  static std::unique_ptr<const Regex> Compile(std::string_view expression, std::string& error);
  ~Regex();

  bool FullMatch(std::string_view text) const;
  // `text` with every match replaced; `substitution` refers to groups as \1.
  std::string ReplaceAll(std::string_view text, std::string_view substitution) const;
  // Whether `substitution` only refers to groups that exist.
  bool CheckSubstitution(std::string_view substitution, std::string& error) const;
  const std::string& expression() const;

 private:
  Regex() = default;
  const re2::RE2& For(std::string_view text) const;

  std::unique_ptr<re2::RE2> characters_;
  std::unique_ptr<re2::RE2> bytes_;
};

}  // namespace narthex
