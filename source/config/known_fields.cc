#include "source/config/known_fields.h"

#include <string>

#include "source/config/known_fields_table.h"

namespace narthex {

bool ListsField(std::string_view table, std::string_view message, std::string_view field) {
  std::string line(message);
  line.append(" ").append(field.empty() ? "*" : field).append("\n");
  for (size_t found = table.find(line); found != std::string_view::npos;
       found = table.find(line, found + 1)) {
    if (found == 0 || table[found - 1] == '\n') return true;
  }
  return false;
}

bool IsKnownToEnvoy(std::string_view message, std::string_view field) {
  return ListsField(kKnownFields, message, field);
}

}  // namespace narthex
