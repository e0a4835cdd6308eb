#include <algorithm>
#include <array>

#include "source/base/ascii.h"
#include "source/router/virtual_host.h"

namespace narthex {

uint32_t HostIndex::AddWildcard(std::vector<Length>& lengths, std::string_view text, uint32_t value) {
  auto at = std::find_if(lengths.begin(), lengths.end(),
                         [&](const Length& length) { return length.size <= text.size(); });
  if (at == lengths.end() || at->size != text.size()) at = lengths.insert(at, Length{text.size(), {}});
  auto [entry, added] = at->names.emplace(std::string(text), value);
  return added ? kNone : entry->second;
}

uint32_t HostIndex::Add(std::string_view domain, uint32_t value) {
  if (domain == "*") {
    if (any_ != kNone) return any_;
    any_ = value;
    return kNone;
  }
  if (domain.starts_with('*')) return AddWildcard(suffixes_, domain.substr(1), value);
  if (domain.ends_with('*')) return AddWildcard(prefixes_, domain.substr(0, domain.size() - 1), value);
  auto [entry, added] = exact_.emplace(std::string(domain), value);
  return added ? kNone : entry->second;
}

uint32_t HostIndex::FindLower(std::string_view host) const {
  if (auto found = exact_.find(host); found != exact_.end()) return found->second;
  // A wildcard stands for at least one character.
  for (const Length& length : suffixes_) {
    if (length.size >= host.size()) continue;
    auto found = length.names.find(host.substr(host.size() - length.size));
    if (found != length.names.end()) return found->second;
  }
  for (const Length& length : prefixes_) {
    if (length.size >= host.size()) continue;
    auto found = length.names.find(host.substr(0, length.size));
    if (found != length.names.end()) return found->second;
  }
  return any_;
}

uint32_t HostIndex::Find(std::string_view host) const {
  if (exact_.empty() && suffixes_.empty() && prefixes_.empty()) return any_;
  std::array<char, 256> lower;
  if (host.size() > lower.size()) return FindLower(ToLowerAscii(host));
  std::transform(host.begin(), host.end(), lower.begin(), LowerAscii);
  return FindLower({lower.data(), host.size()});
}

}  // namespace narthex
