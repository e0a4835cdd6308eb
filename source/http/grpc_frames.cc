#include "source/http/grpc_frames.h"

#include <algorithm>

namespace narthex {

size_t GrpcFrames::Advance(std::string_view bytes) {
  size_t taken = 0;
  if (head_size_ < head_.size()) {
    if (head_size_ == 0) ++begun_;
    taken = std::min(bytes.size(), head_.size() - head_size_);
    std::copy_n(bytes.begin(), taken, head_.begin() + head_size_);
    head_size_ += taken;
    if (head_size_ < head_.size()) return taken;
    left_ = uint64_t{head_[1]} << 24 | uint64_t{head_[2]} << 16 | uint64_t{head_[3]} << 8 | head_[4];
  }
  const auto of_message = static_cast<size_t>(std::min<uint64_t>(bytes.size() - taken, left_));
  left_ -= of_message;
  if (left_ == 0) head_size_ = 0;
  return taken + of_message;
}

}  // namespace narthex
