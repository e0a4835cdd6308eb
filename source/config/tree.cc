#include "source/config/tree.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace narthex {
namespace {

constexpr size_t kBlockBytes = 64 * 1024;

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view TakeDigits(std::string_view& text) {
  size_t end = text.find_first_not_of("0123456789");
  std::string_view digits = text.substr(0, end);
  text.remove_prefix(digits.size());
  return digits;
}

void SetFile(Node& node, uint8_t offset) {
  node.file = static_cast<uint8_t>(node.file + offset);
  for (Node& child : node.children) SetFile(child, offset);
}

void MergeNode(Node& base, Node over) {
  // An Any is replaced as a whole: its bytes do not merge.
  bool mappings =
      base.kind == Node::Kind::kMapping && over.kind == Node::Kind::kMapping && over.Find("@type") == nullptr;
  bool sequences = base.kind == Node::Kind::kSequence && over.kind == Node::Kind::kSequence;
  if (sequences) {
    for (Node& child : over.children) base.children.push_back(std::move(child));
    return;
  }
  if (!mappings) {
    base = std::move(over);
    return;
  }
  for (Node& child : over.children) {
    auto same = std::find_if(base.children.begin(), base.children.end(),
                             [&](const Node& candidate) { return candidate.name == child.name; });
    if (same == base.children.end()) {
      base.children.push_back(std::move(child));
    } else {
      MergeNode(*same, std::move(child));
    }
  }
}

}  // namespace

const Node* Node::Find(std::string_view child_name) const {
  for (const Node& child : children) {
    if (child.name == child_name) return &child;
  }
  return nullptr;
}

std::string DescribeNode(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMapping:
      return "a mapping";
    case Node::Kind::kScalar:
      break;
  }
  bool boolean = false;
  std::string text(node.text.substr(0, 60));
  if (text.size() < node.text.size()) text += "...";
  if (node.plain && ParseBoolText(node.text, boolean)) return absl::StrCat("boolean ", text);
  if (node.plain && IsNumberText(node.text)) return absl::StrCat("number ", text);
  return absl::StrCat("string \"", text, "\"");
}

bool IsNullText(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

bool ParseBoolText(std::string_view text, bool& value) {
  value = text == "true" || text == "True" || text == "TRUE";
  return value || text == "false" || text == "False" || text == "FALSE";
}

bool IsNumberText(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0o")) {
    std::string_view digits = text.substr(2);
    const char* allowed = text[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";
    return !digits.empty() && digits.find_first_not_of(allowed) == std::string_view::npos;
  }
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF") return true;
  std::string_view whole = TakeDigits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = TakeDigits(text);
  }
  if (whole.empty() && fraction.empty()) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return IsDigits(text);
}

std::string_view Tree::Keep(std::string_view text) {
  if (text.empty()) return {};
  if (capacity_ - used_ < text.size()) {
    capacity_ = std::max(kBlockBytes, text.size());
    used_ = 0;
    blocks_.push_back(std::make_unique<char[]>(capacity_));
  }
  char* place = blocks_.back().get() + used_;
  std::memcpy(place, text.data(), text.size());
  used_ += text.size();
  return {place, text.size()};
}

void Tree::Merge(Tree other) {
  SetFile(other.root, static_cast<uint8_t>(files.size()));
  for (std::string& file : other.files) files.push_back(std::move(file));
  // In front, so that the block that Keep fills stays the last one.
  for (auto& block : other.blocks_) blocks_.insert(blocks_.begin(), std::move(block));
  if (root.kind == Node::Kind::kNull) {
    root = std::move(other.root);
  } else if (other.root.kind != Node::Kind::kNull) {
    MergeNode(root, std::move(other.root));
  }
}

}  // namespace narthex
