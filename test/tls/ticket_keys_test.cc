#include "source/tls/ticket_keys.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(TicketKeys, RotateAndKeepThoseBefore) {
  std::chrono::seconds now{5};
  const auto keys = TicketKeys::MakeRotating([&now] { return now; });
  const auto first = keys->Current()->front().name;
  EXPECT_EQ(keys->Current()->size(), 1u);
  now += TicketKeys::kRotation - std::chrono::seconds(1);
  EXPECT_EQ(keys->Current()->front().name, first);
  for (size_t i = 1; i <= TicketKeys::kKept; ++i) {
    now += TicketKeys::kRotation;
    EXPECT_NE(keys->Current()->front().name, first);
    EXPECT_EQ(keys->Current()->back().name, first);
    EXPECT_EQ(keys->Current()->size(), i + 1);
  }
  now += TicketKeys::kRotation;
  EXPECT_EQ(keys->Current()->size(), TicketKeys::kKept + 1);
  EXPECT_NE(keys->Current()->back().name, first);
}

TEST(TicketKeys, AreAllGoneAfterALongPause) {
  std::chrono::seconds now{5};
  const auto keys = TicketKeys::MakeRotating([&now] { return now; });
  const auto first = keys->Current()->front().name;
  now += TicketKeys::kRotation * 100;
  EXPECT_EQ(keys->Current()->size(), 1u);
  EXPECT_NE(keys->Current()->front().name, first);
}

TEST(TicketKeys, OfFilesHaveEightyBytes) {
  size_t wrong = 9;
  const auto keys =
      TicketKeys::MakeFixed({std::string(16, 'n') + std::string(32, 'm') + std::string(32, 'c')}, wrong);
  ASSERT_TRUE(keys.ok());
  const TicketKey& key = (*keys)->Current()->front();
  EXPECT_EQ(key.name[0], 'n');
  EXPECT_EQ(key.mac[31], 'm');
  EXPECT_EQ(key.cipher[0], 'c');
  const auto bad = TicketKeys::MakeFixed({std::string(80, 'a'), std::string(48, 'b')}, wrong);
  EXPECT_EQ(std::string(bad.status().message()), "has 48 bytes; a key has 80");
  EXPECT_EQ(wrong, 1u);
  EXPECT_FALSE(TicketKeys::MakeFixed({}, wrong).ok());
}

}  // namespace
}  // namespace narthex
