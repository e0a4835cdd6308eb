#include "source/event/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace narthex {

namespace {

constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM;

}  // namespace

std::unique_ptr<FileWatch> FileWatch::Make(EventLoop& loop, const std::vector<std::string>& files,
                                           std::chrono::milliseconds settle,
                                           std::function<void()> on_change) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return nullptr;
  return std::unique_ptr<FileWatch>(new FileWatch(loop, fd, files, settle, std::move(on_change)));
}

FileWatch::FileWatch(EventLoop& loop, int fd, std::vector<std::string> files,
                     std::chrono::milliseconds settle, std::function<void()> on_change)
    : fd_(fd),
      files_(std::move(files)),
      settle_(settle),
      on_change_(std::move(on_change)),
      timer_(loop.wheel(), [](void* self) { static_cast<FileWatch*>(self)->OnSettled(); }, this) {
  for (const std::string& file : files_) identities_.push_back(IdentityOf(file));
  WatchDirectories();
  registration_ = loop.Register(fd_, *this);
}

FileWatch::~FileWatch() {
  registration_.reset();
  close(fd_);
}

// The directory of each name on the way: of the file, and of what its links point to. Watching one again
// changes nothing.
void FileWatch::WatchDirectories() {
  for (const std::string& file : files_) {
    std::error_code error;
    std::filesystem::path at = std::filesystem::absolute(file, error);
    for (int links = 0; links < 8 && !at.empty(); ++links) {
      inotify_add_watch(fd_, at.parent_path().c_str(), kMask);
      // ConfigMaps link a directory, so a link may be further up than the file itself.
      inotify_add_watch(fd_, at.parent_path().parent_path().c_str(), kMask);
      const std::filesystem::path target = std::filesystem::read_symlink(at, error);
      if (error) break;
      at = target.is_absolute() ? target : at.parent_path() / target;
    }
  }
}

void FileWatch::OnReady(IoReadiness) {
  alignas(inotify_event) char events[4096];
  while (read(fd_, events, sizeof(events)) > 0) {
  }
  timer_.Arm(settle_);
}

void FileWatch::OnSettled() {
  bool changed = false;
  for (size_t i = 0; i < files_.size(); ++i) {
    Identity now = IdentityOf(files_[i]);
    // A file that is gone for a moment, between two renames, is not a change worth acting on.
    if (now == identities_[i] || now.inode == 0) continue;
    identities_[i] = std::move(now);
    changed = true;
  }
  WatchDirectories();
  if (changed) on_change_();
}

FileWatch::Identity FileWatch::IdentityOf(const std::string& file) {
  Identity identity;
  std::error_code error;
  identity.real_path = std::filesystem::canonical(file, error).string();
  struct stat status = {};
  if (stat(file.c_str(), &status) != 0) return {};
  identity.inode = status.st_ino;
  identity.size = status.st_size;
  identity.modified_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  return identity;
}

}  // namespace narthex
