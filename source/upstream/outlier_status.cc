#include "source/upstream/outlier_status.h"

#include <charconv>
#include <iterator>

namespace narthex {

namespace {

// By gRPC status (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
constexpr int kHttpStatus[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                               400, 409, 400, 501, 500, 503, 500, 401};

}  // namespace

int OutlierStatus(const Response& response) {
  const std::string_view text = response.headers().Get(Header::kGrpcStatus);
  if (text.data() == nullptr) return response.status();
  uint32_t status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  const bool known =
      error == std::errc() && end == text.data() + text.size() && status < std::size(kHttpStatus);
  return known ? kHttpStatus[status] : 500;
}

}  // namespace narthex
