#include "source/config/origin.h"

namespace narthex {

std::string Origin::Position() const {
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Origin::ToString() const {
  std::string position = Position();
  if (position.empty()) return path;
  if (path.empty()) return position;
  return position + ": " + path;
}

}  // namespace narthex
