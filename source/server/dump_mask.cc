#include "source/server/dump_mask.h"

#include <algorithm>

#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/util/field_mask_util.h"

namespace narthex {

using google::protobuf::util::FieldMaskUtil;

DumpMask::DumpMask(std::string_view paths) {
  while (!paths.empty()) {
    const std::string_view path = paths.substr(0, paths.find(','));
    paths.remove_prefix(std::min(path.size() + 1, paths.size()));
    if (!path.empty()) paths_.emplace_back(path);
  }
}

bool DumpMask::Fits(std::initializer_list<std::string_view> members) const {
  return std::all_of(paths_.begin(), paths_.end(), [&](std::string_view path) {
    return std::find(members.begin(), members.end(), path.substr(0, path.find('.'))) != members.end();
  });
}

std::optional<DumpMask> DumpMask::Of(std::string_view member) const {
  if (all()) return DumpMask();
  DumpMask below;
  bool whole = false;
  for (const std::string_view path : paths_) {
    if (path.substr(0, path.find('.')) != member) continue;
    if (path.size() == member.size()) {
      whole = true;
    } else {
      below.paths_.emplace_back(path.substr(member.size() + 1));
    }
  }
  if (whole) return DumpMask();
  if (below.paths_.empty()) return std::nullopt;
  return below;
}

bool DumpMask::Trim(google::protobuf::Message& message) const {
  if (all()) return true;
  google::protobuf::FieldMask mask;
  for (const std::string& path : paths_) {
    if (!FieldMaskUtil::GetFieldDescriptors(message.GetDescriptor(), path, nullptr)) return false;
    mask.add_paths(path);
  }
  FieldMaskUtil::TrimMessage(mask, &message);
  return true;
}

}  // namespace narthex
