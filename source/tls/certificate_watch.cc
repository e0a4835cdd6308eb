#include "source/tls/certificate_watch.h"

#include <algorithm>
#include <iterator>

#include "source/base/log.h"

namespace narthex {

bool CertificateWatch::Watch(std::vector<std::shared_ptr<TlsContext>> contexts) {
  contexts_ = std::move(contexts);
  if (!WatchFiles()) return false;
  OnChange();
  return files_.empty() || watch_ != nullptr;
}

bool CertificateWatch::WatchFiles() {
  std::vector<std::string> files;
  for (const auto& context : contexts_) {
    const std::vector<std::string> own = context->Files();
    files.insert(files.end(), own.begin(), own.end());
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  if (files == files_ && (watch_ != nullptr || files.empty())) return true;
  files_ = std::move(files);
  watch_.reset();
  if (files_.empty()) return true;
  watch_ = FileWatch::Make(loop_, files_, settle_, [this] { OnChange(); });
  if (watch_ != nullptr) return true;
  NARTHEX_LOG(kError, "tls") << "certificate files are not watched: the system has no more inotify instances";
  return false;
}

void CertificateWatch::OnChange() {
  // A failure has been logged and counted by the context, which goes on with what it had.
  for (const auto& context : contexts_) context->Refresh().IgnoreError();
  // Files of secrets may name other files now. The watch must not be replaced while it is calling.
  loop_.Post([alive = std::weak_ptr<const bool>(alive_), this] {
    if (!alive.expired()) WatchFiles();
  });
}

}  // namespace narthex
