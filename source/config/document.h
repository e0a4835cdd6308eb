#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/config/origin_map.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace narthex {

enum class Format {
  kAuto,    // by the extension of the name, else by content
  kYaml,    // .yaml, .yml
  kJson,    // .json
  kText,    // .pb_text, .textproto, .pbtxt
  kBinary,  // .pb: no positions
};

// `.yaml` and so on as above; kAuto for any other extension.
Format FormatOfName(std::string_view name);

struct LoadOptions {
  Format format = Format::kAuto;
  // A field that Envoy v3 has and we do not implement is a warning and ignored, rather than an error.
  bool tolerate_unsupported = false;
  // Off: the message is filled but the constraints of its .proto (validate.rules) are not checked.
  bool validate = true;
  // Merged over the file as Envoy's --config-yaml: YAML or JSON text; set fields replace, lists are appended.
  std::string overlay_yaml = {};
};

// What stays of a loaded configuration beside its message: the origins. Copies share them. Immutable once
// loaded.
class ConfigDocument {
 public:
  ConfigDocument() : origins_(std::make_shared<OriginMap>()) {}
  explicit ConfigDocument(std::shared_ptr<const OriginMap> origins) : origins_(std::move(origins)) {}

  // The path of the whole document, to descend from. Valid while origins() is held by somebody.
  ConfigPath Root() const { return ConfigPath(*origins_); }
  // What runtime objects hold as long as they hold a ConfigPath.
  const std::shared_ptr<const OriginMap>& origins() const { return origins_; }

 private:
  std::shared_ptr<const OriginMap> origins_;
};

// Reads `file` into `message` (cleared first), checks it, and keeps its origins in `document`. Adds
// everything that is wrong to `diagnostics`; false when that includes an error, and then `message` holds only
// what could be understood. Blocking: not for a worker.
bool LoadFile(const std::string& file, google::protobuf::Message& message, ConfigDocument& document,
              Diagnostics& diagnostics, const LoadOptions& options = {});
// The same for `text`, called `name` in positions ("<--config-yaml>").
bool LoadString(std::string_view name, std::string_view text, google::protobuf::Message& message,
                ConfigDocument& document, Diagnostics& diagnostics, const LoadOptions& options = {});

}  // namespace narthex
