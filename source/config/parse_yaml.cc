#include <yaml.h>

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/config/tree.h"
#include "source/config/tree_builder.h"

namespace narthex {
namespace {

// libyaml's C objects with C++ lifetimes.
class YamlParser {
 public:
  explicit YamlParser(std::string_view text) {
    valid_ = yaml_parser_initialize(&parser_) != 0;
    if (valid_) {
      yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                   text.size());
    }
  }
  YamlParser(const YamlParser&) = delete;
  YamlParser& operator=(const YamlParser&) = delete;
  ~YamlParser() {
    if (valid_) yaml_parser_delete(&parser_);
  }

  bool Next(yaml_event_t& event) { return valid_ && yaml_parser_parse(&parser_, &event) != 0; }
  const yaml_parser_t& state() const { return parser_; }

 private:
  yaml_parser_t parser_ = {};
  bool valid_ = false;
};

class YamlEvent {
 public:
  YamlEvent() = default;
  YamlEvent(const YamlEvent&) = delete;
  YamlEvent& operator=(const YamlEvent&) = delete;
  ~YamlEvent() { yaml_event_delete(&event); }

  yaml_event_t event = {};
};

std::string_view TextOf(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// Feeds the events of one document into a TreeBuilder, which knows nothing of YAML's anchors: those live
// here.
class YamlReader {
 public:
  YamlReader(std::string_view text, TreeBuilder& builder) : parser_(text), builder_(builder) {}

  bool Read() {
    while (!done_) {
      YamlEvent holder;
      if (!parser_.Next(holder.event)) return SyntaxError();
      if (!Handle(holder.event)) return false;
    }
    return true;
  }

 private:
  bool Handle(const yaml_event_t& event) {
    Position at = PositionOf(event.start_mark);
    switch (event.type) {
      case YAML_STREAM_END_EVENT:
        done_ = true;
        return true;
      case YAML_DOCUMENT_START_EVENT:
        if (documents_++ == 0) return true;
        return builder_.Fail(at, "a second YAML document; a configuration file is one document");
      case YAML_ALIAS_EVENT:
        return Alias(at, TextOf(event.data.alias.anchor));
      case YAML_SCALAR_EVENT:
        return Scalar(at, event);
      case YAML_SEQUENCE_START_EVENT:
        anchors_pending_.emplace_back(TextOf(event.data.sequence_start.anchor));
        return CheckTag(at, TextOf(event.data.sequence_start.tag)) &&
               builder_.Begin(at, Node::Kind::kSequence);
      case YAML_MAPPING_START_EVENT:
        anchors_pending_.emplace_back(TextOf(event.data.mapping_start.anchor));
        return CheckTag(at, TextOf(event.data.mapping_start.tag)) && builder_.Begin(at, Node::Kind::kMapping);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return End();
      default:
        return true;
    }
  }

  bool Scalar(Position at, const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    std::string_view tag = TextOf(scalar.tag);
    if (!CheckTag(at, tag)) return false;
    std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && tag != YAML_STR_TAG && tag != "!";
    if (builder_.ExpectsKey()) return builder_.Key(at, text, plain);
    Node node;
    node.kind = plain && IsNullText(text) ? Node::Kind::kNull : Node::Kind::kScalar;
    node.plain = plain;
    node.text = node.kind == Node::Kind::kNull ? std::string_view() : builder_.Keep(text);
    return builder_.Add(at, std::move(node), TextOf(scalar.anchor).empty() ? nullptr : Anchor(scalar.anchor));
  }

  bool End() {
    std::string anchor = std::move(anchors_pending_.back());
    anchors_pending_.pop_back();
    return builder_.End(anchor.empty() ? nullptr : &anchors_[anchor]);
  }

  bool Alias(Position at, std::string_view name) {
    auto anchor = anchors_.find(name);
    if (anchor == anchors_.end()) {
      return builder_.Fail(at, absl::StrCat("alias *", std::string(name), " names no anchor before it"));
    }
    if (!builder_.ExpectsKey()) return builder_.AddCopy(at, anchor->second);
    if (anchor->second.kind != Node::Kind::kScalar)
      return builder_.Fail(at, "a mapping key must be a scalar");
    return builder_.Key(at, anchor->second.text, anchor->second.plain);
  }

  Node* Anchor(const yaml_char_t* name) { return &anchors_[std::string(TextOf(name))]; }

  bool CheckTag(Position at, std::string_view tag) {
    if (tag.empty() || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) return true;
    return builder_.Fail(at, absl::StrCat("unknown YAML tag ", std::string(tag)));
  }

  bool SyntaxError() {
    const yaml_parser_t& state = parser_.state();
    // The reader (bad UTF-8) knows only an offset, and stops before a mark was made for it.
    bool marked = state.error != YAML_READER_ERROR;
    Position at = marked ? PositionOf(state.problem_mark) : PositionOf(state.mark);
    std::string text =
        absl::StrCat("not valid YAML: ", state.problem == nullptr ? "out of memory" : state.problem);
    if (marked && state.context != nullptr) {
      Position context = PositionOf(state.context_mark);
      absl::StrAppend(&text, " ", state.context, " (line ", context.line, ", column ", context.column, ")");
    }
    return builder_.Fail(at, text);
  }

  static Position PositionOf(const yaml_mark_t& mark) {
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
  }

  YamlParser parser_;
  TreeBuilder& builder_;
  std::map<std::string, Node, std::less<>> anchors_;
  std::vector<std::string> anchors_pending_;  // of the open collections; empty text when they have none
  int documents_ = 0;
  bool done_ = false;
};

}  // namespace

bool ParseYaml(std::string_view file, std::string_view text, const TreeLimits& limits, Tree& tree,
               Diagnostics& diagnostics) {
  TreeBuilder builder(file, limits, tree, diagnostics);
  if (!builder.CheckSize(text.size())) return false;
  return YamlReader(text, builder).Read();
}

}  // namespace narthex
