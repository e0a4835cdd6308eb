#include "source/manager/request_id.h"

#include <string_view>

#include "source/base/random.h"

namespace narthex {

void SetRequestId(const RequestIdPolicy& policy, bool edge, HeaderMap& headers) {
  if (!policy.generate) return;
  bool keep = !edge || policy.preserve_external;
  if (keep && headers.Has(Header::kXRequestId)) return;
  char uuid[36];
  WriteUuid(uuid);
  headers.Set(Header::kXRequestId, std::string_view(uuid, sizeof(uuid)));
}

}  // namespace narthex
