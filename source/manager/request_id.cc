#include "source/manager/request_id.h"

#include <string_view>

#include "source/base/random.h"

namespace narthex {

void SetRequestId(const RequestIdPolicy& policy, bool edge, HeaderMap& headers) {
  if (!policy.generate) return;
  bool keep = !edge || policy.preserve_external;
  if (keep && headers.Has(Header::kXRequestId)) return;
  char* uuid = headers.Allocate(kUuidLength);
  WriteUuid(uuid);
  headers.SetView(Header::kXRequestId, std::string_view(uuid, kUuidLength));
}

}  // namespace narthex
