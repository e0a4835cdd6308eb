#include "source/http/byte_scan.h"

#include <string>

#include "gtest/gtest.h"
#include "source/http/http1_fields.h"

namespace narthex {
namespace {

// Every byte at every place of texts around the width that is looked at in one step.
TEST(ByteScan, FieldTextEndsWhereTheTableSays) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(byte);
        const bool good = IsClass(text[place], kFieldText);
        const char* const end = FieldTextEnd(text.data(), text.data() + size);
        ASSERT_EQ(end - text.data(), static_cast<ptrdiff_t>(good ? size : place)) << size << " " << byte;
      }
    }
  }
}

TEST(ByteScan, FindsLineEndsAnywhere) {
  EXPECT_FALSE(HasLineEnd(""));
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(byte);
        ASSERT_EQ(HasLineEnd(text), byte == '\r' || byte == '\n' || byte == 0) << size << " " << byte;
      }
    }
  }
}

}  // namespace
}  // namespace narthex
