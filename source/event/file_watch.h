#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "source/event/event_loop.h"

struct inotify_event;

namespace narthex {

// Says when one of some files changed: written, or replaced by a rename or by a swap of a symbolic link on
// the way to it (as Kubernetes mounts its ConfigMaps). Directories are watched, since the file itself may go;
// other names in them are nobody's concern. Loop-confined.
class FileWatch : private IoHandler {
 public:
  // Null when the system has no more inotify instances. `on_change` is called once for a burst of changes,
  // `settle` after the last of them, but never later than ten times `settle` after the first. While a
  // directory cannot be watched (it is not there yet, or the system has no more watches to give), the files
  // are looked at every `look`.
  static std::unique_ptr<FileWatch> Make(EventLoop& loop, const std::vector<std::string>& files,
                                         std::chrono::milliseconds settle, std::function<void()> on_change,
                                         std::chrono::milliseconds look = std::chrono::seconds(10));
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
  // What to look for, by the watch of the directory that it is in.
  using Names = std::map<int, std::set<std::string, std::less<>>>;

  FileWatch(EventLoop& loop, int fd, std::vector<std::string> files, std::chrono::milliseconds settle,
            std::function<void()> on_change, std::chrono::milliseconds look);
  void OnReady(IoReadiness readiness) override;
  bool IsOurs(const inotify_event& event) const;
  void LookSoon();
  void Look();
  void WatchDirectories();
  void WatchName(const std::filesystem::path& at);
  static Identity IdentityOf(const std::string& file);

  EventLoop& loop_;
  const int fd_;
  const std::vector<std::string> files_;
  std::vector<Identity> identities_;
  const std::chrono::milliseconds settle_, look_;
  const std::function<void()> on_change_;
  Names names_;
  bool all_watched_ = true;
  bool complained_ = false;                 // since all were watched last
  std::optional<uint64_t> burst_began_ms_;  // of changes that have not been looked at
  Timer timer_;
  std::unique_ptr<IoRegistration> registration_;
};

}  // namespace narthex
