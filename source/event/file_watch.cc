#include "source/event/file_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/log.h"

namespace narthex {

namespace {

constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM;
// A writer that never rests puts a change off so many times the time to settle, and no longer.
constexpr int kLongestBurst = 10;

}  // namespace

std::unique_ptr<FileWatch> FileWatch::Make(EventLoop& loop, const std::vector<std::string>& files,
                                           std::chrono::milliseconds settle, std::function<void()> on_change,
                                           std::chrono::milliseconds look) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return nullptr;
  return std::unique_ptr<FileWatch>(new FileWatch(loop, fd, files, settle, std::move(on_change), look));
}

FileWatch::FileWatch(EventLoop& loop, int fd, std::vector<std::string> files,
                     std::chrono::milliseconds settle, std::function<void()> on_change,
                     std::chrono::milliseconds look)
    : loop_(loop),
      fd_(fd),
      files_(std::move(files)),
      settle_(settle),
      look_(look),
      on_change_(std::move(on_change)),
      timer_(loop.wheel(), [](void* self) { static_cast<FileWatch*>(self)->Look(); }, this) {
  for (const std::string& file : files_) identities_.push_back(IdentityOf(file));
  WatchDirectories();
  registration_ = loop.Register(fd_, *this);
}

FileWatch::~FileWatch() {
  registration_.reset();
  close(fd_);
}

// The directory of each name on the way: of the file, and of what its links point to. What is on the way no
// more is let go.
void FileWatch::WatchDirectories() {
  const Names before = std::exchange(names_, {});
  all_watched_ = true;
  for (const std::string& file : files_) {
    std::error_code error;
    std::filesystem::path at = std::filesystem::absolute(file, error);
    for (int links = 0; links < 8 && !at.empty(); ++links) {
      WatchName(at);
      // ConfigMaps link a directory, so a link may be further up than the file itself.
      WatchName(at.parent_path());
      const std::filesystem::path target = std::filesystem::read_symlink(at, error);
      if (error) break;
      at = target.is_absolute() ? target : at.parent_path() / target;
    }
  }
  for (const auto& [watch, names] : before) {
    if (!names_.contains(watch)) inotify_rm_watch(fd_, watch);
  }
  if (all_watched_) {
    complained_ = false;
  } else {
    timer_.Arm(look_);
  }
}

// Watching a directory again changes nothing, and gives the same watch.
void FileWatch::WatchName(const std::filesystem::path& at) {
  if (!at.has_filename()) return;
  const std::filesystem::path folder = at.parent_path();
  const int watch = inotify_add_watch(fd_, folder.c_str(), kMask);
  if (watch >= 0) {
    names_[watch].insert(at.filename().string());
    return;
  }
  const int why = errno;
  all_watched_ = false;
  // A directory may yet come, which is no fault of anybody's.
  if (why == ENOENT || std::exchange(complained_, true)) return;
  NARTHEX_LOG(kWarning, "config") << "cannot watch \"" << folder.string() << "\" for changes ("
                                  << (why == ENOSPC ? "fs.inotify.max_user_watches are in use"
                                                    : std::strerror(why))
                                  << "): its files are looked at every " << look_.count() << " ms";
}

bool FileWatch::IsOurs(const inotify_event& event) const {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return true;
  const auto names = names_.find(event.wd);
  if (names == names_.end()) return false;
  // The directory itself may be gone.
  return (event.mask & IN_IGNORED) != 0 ||
         (event.len > 0 && names->second.contains(std::string_view(event.name)));
}

void FileWatch::OnReady(IoReadiness) {
  alignas(inotify_event) char events[4096];
  bool ours = false;
  ssize_t size = 0;
  while ((size = read(fd_, events, sizeof events)) > 0) {
    for (const char* at = events; at < events + size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(at);
      ours |= IsOurs(event);
      at += sizeof event + event.len;
    }
  }
  if (ours) LookSoon();
}

void FileWatch::LookSoon() {
  const uint64_t now = loop_.NowMs();
  if (!burst_began_ms_) burst_began_ms_ = now;
  const std::chrono::milliseconds gone(now - *burst_began_ms_);
  timer_.Arm(std::clamp(kLongestBurst * settle_ - gone, std::chrono::milliseconds(0), settle_));
}

void FileWatch::Look() {
  burst_began_ms_.reset();
  // First, for what comes into a directory that was not watched yet to be seen now or then.
  WatchDirectories();
  bool changed = false;
  for (size_t i = 0; i < files_.size(); ++i) {
    Identity now = IdentityOf(files_[i]);
    // A file that is gone for a moment, between two renames, is not a change worth acting on.
    if (now == identities_[i] || now.inode == 0) continue;
    identities_[i] = std::move(now);
    changed = true;
  }
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
