#pragma once

#include <string>

namespace narthex {

// Where in the configuration something was written. Immutable value.
struct Origin {
  std::string file;  // as given on the command line; empty when the configuration did not come from text
  int line = 0;      // 1-based; 0 when the format has no positions (binary protobuf)
  int column = 0;    // 1-based, in characters; 0 when unknown
  std::string path;  // "static_resources.clusters[0].load_assignment"; empty for the whole document

  // "gateway.yaml:41:9", "bootstrap.pb" without a position, or "" without a file.
  std::string Position() const;
  // "gateway.yaml:41:9: static_resources.clusters[0]", leaving out what is unknown.
  std::string ToString() const;

  bool operator==(const Origin&) const = default;
};

}  // namespace narthex
