#include "source/config/document.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "source/config/binder.h"
#include "source/config/proto_source.h"
#include "source/config/tree.h"
#include "source/config/validate.h"

namespace narthex {
namespace {

using google::protobuf::Message;

constexpr std::string_view kOverlayName = "<--config-yaml>";

struct Source {
  std::string_view name;
  std::string_view text;
};

// A file that is closed when it goes out of scope.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Reads at most one byte more than a tree may have; 0 or errno.
int ReadFile(const std::string& path, std::string& text) {
  OpenFile file(path);
  if (file.descriptor() < 0) return errno;
  const size_t limit = TreeLimits().max_bytes + 1;
  char block[16 * 1024];
  while (text.size() < limit) {
    ssize_t count = ::read(file.descriptor(), block, std::min(sizeof(block), limit - text.size()));
    if (count == 0) return 0;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.append(block, static_cast<size_t>(count));
  }
  return 0;
}

// Whether the text begins as protobuf text does: `name {`, after comments.
bool LooksLikeProtoText(std::string_view text) {
  while (!text.empty() && (std::isspace(static_cast<unsigned char>(text[0])) || text[0] == '#')) {
    size_t skip = text[0] == '#' ? text.find('\n') : 1;
    text.remove_prefix(std::min(skip, text.size()));
  }
  size_t end = 0;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
    ++end;
  size_t next = text.find_first_not_of(' ', end);
  return end > 0 && next != std::string_view::npos && text[next] == '{';
}

Format FormatOfContent(std::string_view text) {
  auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && !std::isspace(static_cast<unsigned char>(c));
  };
  if (std::any_of(text.begin(), text.end(), is_control)) return Format::kBinary;
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return Format::kJson;
  return LooksLikeProtoText(text) ? Format::kText : Format::kYaml;
}

// The path of what holds `path`: "a.b" of "a.b[3]" and of "a.b.c".
std::string_view ParentOf(std::string_view path) {
  size_t end = path.ends_with(']') ? path.rfind('[') : path.rfind('.');
  return end == std::string_view::npos ? std::string_view() : path.substr(0, end);
}

// Whether one path is the other, or directly inside it, or both are elements of one list, whose indices may
// have moved.
bool IsNextTo(std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (!a.empty() && ParentOf(a) == b) return true;
  if (!b.empty() && ParentOf(b) == a) return true;
  return a.ends_with(']') && b.ends_with(']') && ParentOf(a) == ParentOf(b);
}

// One load: parses, binds and merges, then makes the origins and validates.
class Loader {
 public:
  Loader(Message& message, Diagnostics& diagnostics, const LoadOptions& options)
      : message_(message),
        diagnostics_(diagnostics),
        options_(options),
        bind_{.tolerate_unsupported = options.tolerate_unsupported} {}

  bool Load(Source source, ConfigDocument& document) {
    size_t errors = diagnostics_.error_count();
    const size_t kept = diagnostics_.kept();
    message_.Clear();
    bool parsed = Parse(source, options_.format, message_, tree_);
    if (!options_.overlay_yaml.empty()) parsed = Overlay() && parsed;
    document = ConfigDocument(std::make_shared<OriginMap>(tree_.root, tree_.files));
    if (parsed && options_.validate) ValidateWhatWasBound(document.Root(), errors);
    AttachSources(source);
    diagnostics_.Settle(kept);
    return parsed && diagnostics_.error_count() == errors;
  }

 private:
  bool Parse(Source source, Format format, Message& message, Tree& tree) {
    if (format == Format::kAuto) format = FormatOfName(source.name);
    if (format == Format::kAuto) format = FormatOfContent(source.text);
    if (format == Format::kText)
      return ParseProtoText(source.name, source.text, message, tree, bind_, diagnostics_);
    if (format == Format::kBinary)
      return ParseProtoBinary(source.name, source.text, message, tree, bind_, diagnostics_);
    auto parse = format == Format::kJson ? &ParseJson : &ParseYaml;
    if (!parse(source.name, source.text, TreeLimits(), tree, diagnostics_)) return false;
    if (tree.root.kind == Node::Kind::kNull) {
      diagnostics_.Add({{std::string(source.name), 0, 0, {}}, Severity::kError, "is empty", {}});
      return false;
    }
    Bind(tree, message, bind_, diagnostics_);
    return true;
  }

  bool Overlay() {
    Tree tree;
    std::unique_ptr<Message> message(message_.New());
    if (!Parse({kOverlayName, options_.overlay_yaml}, Format::kYaml, *message, tree)) return false;
    message_.MergeFrom(*message);
    tree_.Merge(std::move(tree));
    return true;
  }

  // A value that could not be bound is missing from the message: what the rules then say of its place is no
  // news.
  void ValidateWhatWasBound(const ConfigPath& root, size_t errors_before) {
    if (diagnostics_.error_count() == errors_before) {
      Validate(message_, root, diagnostics_);
      return;
    }
    std::vector<Diagnostic> bound = diagnostics_.Sorted();
    Diagnostics broken;
    Validate(message_, root, broken);
    for (Diagnostic& rule : broken.Sorted()) {
      bool follows = std::any_of(bound.begin(), bound.end(), [&](const Diagnostic& error) {
        return error.severity == Severity::kError && IsNextTo(error.origin.path, rule.origin.path);
      });
      if (!follows) diagnostics_.Add(std::move(rule));
    }
  }

  void AttachSources(Source source) {
    std::set<std::string> files;
    for (const Diagnostic& diagnostic : diagnostics_.Sorted()) files.insert(diagnostic.origin.file);
    if (files.contains(std::string(source.name))) diagnostics_.AttachSource(source.name, source.text);
    if (files.contains(std::string(kOverlayName)))
      diagnostics_.AttachSource(kOverlayName, options_.overlay_yaml);
  }

  Message& message_;
  Diagnostics& diagnostics_;
  const LoadOptions& options_;
  BindOptions bind_;
  Tree tree_;
};

}  // namespace

Format FormatOfName(std::string_view name) {
  for (auto [extension, format] : {std::pair{".yaml", Format::kYaml},
                                   {".yml", Format::kYaml},
                                   {".json", Format::kJson},
                                   {".pb_text", Format::kText},
                                   {".textproto", Format::kText},
                                   {".pbtxt", Format::kText},
                                   {".pb", Format::kBinary}}) {
    if (name.ends_with(extension)) return format;
  }
  return Format::kAuto;
}

bool LoadFile(const std::string& file, Message& message, ConfigDocument& document, Diagnostics& diagnostics,
              const LoadOptions& options) {
  std::string text;
  int error = ReadFile(file, text);
  if (error == 0) return LoadString(file, text, message, document, diagnostics, options);
  diagnostics.Add(
      {{file, 0, 0, {}}, Severity::kError, absl::StrCat("cannot be read: ", std::strerror(error)), {}});
  return false;
}

bool LoadString(std::string_view name, std::string_view text, Message& message, ConfigDocument& document,
                Diagnostics& diagnostics, const LoadOptions& options) {
  return Loader(message, diagnostics, options).Load({name, text}, document);
}

}  // namespace narthex
