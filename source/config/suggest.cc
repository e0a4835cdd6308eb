#include "source/config/suggest.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/descriptor_database.h"

namespace narthex {
namespace {

constexpr size_t kMaxCompared = 128;

bool Same(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Keeps the closest of the candidates that it is shown.
class Closest {
 public:
  explicit Closest(std::string_view written)
      : written_(written), limit_(std::max<size_t>(1, written.size() / 3)) {}

  void Consider(std::string_view candidate) {
    size_t distance = EditDistance(written_, candidate, limit_);
    if (distance > limit_ || (distance == limit_ && !best_.empty())) return;
    // Replacing every letter of a short word is no spelling mistake.
    if (distance >= candidate.size()) return;
    limit_ = distance;
    best_ = candidate;
  }
  std::string Take() { return std::move(best_); }

 private:
  std::string_view written_;
  size_t limit_;
  std::string best_;
};

std::string_view SimpleName(std::string_view full_name) {
  size_t dot = full_name.rfind('.');
  return dot == std::string_view::npos ? full_name : full_name.substr(dot + 1);
}

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b, size_t limit) {
  if (std::max(a.size(), b.size()) > kMaxCompared) return a == b ? 0 : limit + 1;
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (Same(a[i - 1], b[j - 1]) ? 0 : 1)});
      bool swapped = i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return std::min(last[b.size()], limit + 1);
}

std::string SuggestField(const google::protobuf::Descriptor& type, std::string_view written) {
  Closest closest(written);
  for (int i = 0; i < type.field_count(); ++i) {
    if (!type.field(i)->options().deprecated()) closest.Consider(type.field(i)->name());
  }
  return closest.Take();
}

std::string SuggestEnumValue(const google::protobuf::EnumDescriptor& type, std::string_view written) {
  Closest closest(written);
  for (int i = 0; i < type.value_count(); ++i) closest.Consider(type.value(i)->name());
  return closest.Take();
}

std::string SuggestTypeUrl(std::string_view written) {
  std::string_view name = written.substr(written.rfind('/') + 1);
  std::vector<std::string> known;
  // The one list of what is linked in, whether or not it was used yet.
  google::protobuf::DescriptorPool::internal_generated_database()->FindAllMessageNames(&known);
  Closest closest(name);
  std::string same_simple_name;
  for (const std::string& candidate : known) {
    closest.Consider(candidate);
    if (SimpleName(candidate) == SimpleName(name)) same_simple_name = candidate;
  }
  std::string best = closest.Take();
  if (best.empty()) best = same_simple_name;
  return best.empty() ? best : "type.googleapis.com/" + best;
}

}  // namespace narthex
