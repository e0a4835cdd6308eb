#include "source/config/regex.h"

#include "re2/re2.h"

namespace narthex {
namespace {

// Beyond any path or header expression that a person writes; bounds what one expression costs in memory.
constexpr int kMaxProgramSize = 20'000;

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    for (; more > 0; --more, ++i) {
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

std::unique_ptr<re2::RE2> Make(std::string_view expression, re2::RE2::Options::Encoding encoding) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(encoding);
  return std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
}

}  // namespace

std::unique_ptr<const Regex> Regex::Compile(std::string_view expression, std::string& error) {
  std::unique_ptr<Regex> regex(new Regex());
  regex->characters_ = Make(expression, re2::RE2::Options::EncodingUTF8);
  if (!regex->characters_->ok()) {
    error = regex->characters_->error();
    return nullptr;
  }
  if (regex->characters_->ProgramSize() > kMaxProgramSize) {
    error = "the expression is too complex: program size " +
            std::to_string(regex->characters_->ProgramSize()) + ", at most " +
            std::to_string(kMaxProgramSize);
    return nullptr;
  }
  regex->bytes_ = Make(expression, re2::RE2::Options::EncodingLatin1);
  // What only UTF-8 can express (\x{2603}) has no byte-wise form: such text then simply does not match.
  if (!regex->bytes_->ok()) regex->bytes_ = nullptr;
  return regex;
}

Regex::~Regex() = default;

const re2::RE2& Regex::For(std::string_view text) const {
  return bytes_ == nullptr || IsUtf8(text) ? *characters_ : *bytes_;
}

bool Regex::FullMatch(std::string_view text) const {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), For(text));
}

std::string Regex::ReplaceAll(std::string_view text, std::string_view substitution) const {
  std::string result(text);
  re2::RE2::GlobalReplace(&result, For(text), re2::StringPiece(substitution.data(), substitution.size()));
  return result;
}

bool Regex::CheckSubstitution(std::string_view substitution, std::string& error) const {
  return characters_->CheckRewriteString(re2::StringPiece(substitution.data(), substitution.size()), &error);
}

const std::string& Regex::expression() const {
  return characters_->pattern();
}

}  // namespace narthex
