#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/event/event_loop.h"

namespace narthex {

// Says when one of some files changed: written, or replaced by a rename or by a swap of a symbolic link on
// the way to it (as Kubernetes mounts its ConfigMaps). Directories are watched, since the file itself may go.
// Loop-confined.
class FileWatch : private IoHandler {
 public:
  // Null when the system has no more inotify instances. `on_change` is called once for a burst of changes,
  // `settle` after the last of them.
  static std::unique_ptr<FileWatch> Make(EventLoop& loop, const std::vector<std::string>& files,
                                         std::chrono::milliseconds settle, std::function<void()> on_change);
  ~FileWatch() override;

 private:
  // What tells one state of a file from another.
  struct Identity {
    std::string real_path;
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t modified_ns = 0;
    bool operator==(const Identity&) const = default;
  };

  FileWatch(EventLoop& loop, int fd, std::vector<std::string> files, std::chrono::milliseconds settle,
            std::function<void()> on_change);
  void OnReady(IoReadiness readiness) override;
  void WatchDirectories();
  void OnSettled();
  static Identity IdentityOf(const std::string& file);

  const int fd_;
  std::vector<std::string> files_;
  std::vector<Identity> identities_;
  std::chrono::milliseconds settle_;
  std::function<void()> on_change_;
  Timer timer_;
  std::unique_ptr<IoRegistration> registration_;
};

}  // namespace narthex
