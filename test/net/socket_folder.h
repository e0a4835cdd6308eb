#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace narthex {

// A folder for Unix sockets, whose paths must be shorter than those of Bazel's own folders.
class SocketFolder {
 public:
  SocketFolder() {
    char path[] = "/tmp/narthex-XXXXXX";
    if (mkdtemp(path) != nullptr) path_ = path;
  }
  SocketFolder(const SocketFolder&) = delete;
  ~SocketFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace narthex
