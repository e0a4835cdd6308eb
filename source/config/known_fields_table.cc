#include "source/config/known_fields_table.h"

namespace narthex {

const std::string_view kKnownFields = "";

}  // namespace narthex
