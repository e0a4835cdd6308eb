#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rapidjson/error/en.h"
#include "rapidjson/reader.h"
#include "source/config/tree.h"
#include "source/config/tree_builder.h"

namespace narthex {
namespace {

// The text as RapidJSON reads it. The end reads as NUL, as RapidJSON expects.
class TextStream {
 public:
  using Ch = char;

  explicit TextStream(std::string_view text) : text_(text) {}

  char Peek() const { return next_ < text_.size() ? text_[next_] : '\0'; }
  char Take() {
    char c = Peek();
    ++next_;
    return c;
  }
  size_t Tell() const { return std::min(next_, text_.size()); }

  // What a stream for in-place decoding offers; the reader never calls it here.
  char* PutBegin() { return nullptr; }
  void Put(char) {}
  size_t PutEnd(char*) { return 0; }

 private:
  std::string_view text_;
  size_t next_ = 0;
};

// Follows the reader through the text, and turns offsets into lines and columns in one pass.
class PositionCursor {
 public:
  explicit PositionCursor(std::string_view text) : text_(text) {}

  // The position of `offset`, which never goes back.
  Position At(size_t offset) {
    for (; offset_ < offset; ++offset_) {
      if (text_[offset_] == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<unsigned char>(text_[offset_]) & 0xc0) != 0x80) {
        ++position_.column;
      }
    }
    return position_;
  }

  // The next token after what was read: only white space, commas and colons can stand between.
  Position NextToken() {
    size_t start = text_.find_first_not_of(" \t\r\n,:", read_);
    return At(std::min(start, text_.size()));
  }
  void SetRead(size_t offset) { read_ = offset; }

 private:
  std::string_view text_;
  size_t offset_ = 0;
  size_t read_ = 0;
  Position position_{1, 1};
};

// RapidJSON's handler: passes each event on to a TreeBuilder with the position of its token.
class JsonHandler {
 public:
  JsonHandler(std::string_view text, const TextStream& stream, TreeBuilder& builder)
      : stream_(stream), cursor_(text), builder_(builder) {}

  bool Null() { return Value(Node::Kind::kNull, {}, true); }
  bool Bool(bool value) { return Value(Node::Kind::kScalar, value ? "true" : "false", true); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return Value(Node::Kind::kScalar, {text, size}, true);
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return Value(Node::Kind::kScalar, {text, size}, false);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    return Done(builder_.Key(cursor_.NextToken(), {text, size}, false));
  }
  bool StartObject() { return DoneBefore(builder_.Begin(cursor_.NextToken(), Node::Kind::kMapping)); }
  bool StartArray() { return DoneBefore(builder_.Begin(cursor_.NextToken(), Node::Kind::kSequence)); }
  bool EndObject(rapidjson::SizeType) { return DoneBefore(builder_.End(nullptr)); }
  bool EndArray(rapidjson::SizeType) { return DoneBefore(builder_.End(nullptr)); }

  // Numbers arrive as text.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  bool Value(Node::Kind kind, std::string_view text, bool plain) {
    Node node;
    node.kind = kind;
    node.plain = plain;
    node.text = builder_.Keep(text);
    return Done(builder_.Add(cursor_.NextToken(), std::move(node), nullptr));
  }

  bool Done(bool ok) {
    cursor_.SetRead(stream_.Tell());
    return ok;
  }

  // The reader calls the handler while it still stands on a bracket.
  bool DoneBefore(bool ok) {
    cursor_.SetRead(stream_.Tell() + 1);
    return ok;
  }

  const TextStream& stream_;
  PositionCursor cursor_;
  TreeBuilder& builder_;
};

}  // namespace

bool ParseJson(std::string_view file, std::string_view text, const TreeLimits& limits, Tree& tree,
               Diagnostics& diagnostics) {
  TreeBuilder builder(file, limits, tree, diagnostics);
  if (!builder.CheckSize(text.size())) return false;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  TextStream stream(text);
  JsonHandler handler(text, stream, builder);
  rapidjson::Reader reader;
  // Iterative: a deep text must not exhaust the stack before the depth limit sees it.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::ParseResult result = reader.Parse<kFlags>(stream, handler);
  if (!result.IsError()) return true;
  if (result.Code() == rapidjson::kParseErrorTermination) return false;
  Position at = PositionCursor(text).At(std::min(result.Offset(), text.size()));
  return builder.Fail(at, absl::StrCat("not valid JSON: ", rapidjson::GetParseError_En(result.Code())));
}

}  // namespace narthex
