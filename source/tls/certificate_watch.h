#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "source/event/event_loop.h"
#include "source/event/file_watch.h"
#include "source/tls/context.h"

namespace narthex {

// Has contexts read their files again when these change: certificates, keys, authorities, revocation lists,
// ticket keys and files of secrets. Of the main loop; loop-confined.
class CertificateWatch {
 public:
  // A burst of changes is waited out: `settle` after the last one.
  CertificateWatch(EventLoop& loop, std::chrono::milliseconds settle) : loop_(loop), settle_(settle) {}
  CertificateWatch(const CertificateWatch&) = delete;

  // Looks after these contexts from now on, and after no others. They are refreshed once at this call, for a
  // file may have changed since it was compiled in. False when the system has no more watches to give; then
  // files are not watched.
  bool Watch(std::vector<std::shared_ptr<TlsContext>> contexts);
  const std::vector<std::shared_ptr<TlsContext>>& contexts() const { return contexts_; }

 private:
  bool WatchFiles();
  void OnChange();

  EventLoop& loop_;
  const std::chrono::milliseconds settle_;
  std::vector<std::shared_ptr<TlsContext>> contexts_;
  std::vector<std::string> files_;  // sorted
  std::unique_ptr<FileWatch> watch_;
  // What is posted to the loop asks whether this is still there.
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace narthex
