#include "source/http/header_map.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/block.h"

namespace narthex {
namespace {

std::string Dump(const HeaderMap& map) {
  std::string text;
  for (const HeaderMap::Field& field : map) {
    text.append(field.name).append("=").append(field.value).append(";");
  }
  return text;
}

TEST(HeaderNames, EveryKnownNameIsFoundAndNothingElse) {
  for (int i = 1; i < static_cast<int>(Header::kCount); ++i) {
    const auto header = static_cast<Header>(i);
    const std::string name(HeaderName(header));
    EXPECT_EQ(FindHeader(name), header) << name;
    EXPECT_EQ(FindHeader(name + "x"), Header::kUnknown);
    EXPECT_EQ(FindHeader("X" + name.substr(1)), Header::kUnknown);
  }
  EXPECT_EQ(FindHeader(""), Header::kUnknown);
  EXPECT_EQ(FindHeader(std::string(1000, 'a')), Header::kUnknown);
}

TEST(HeaderMap, KeepsOrderAndLowersNames) {
  HeaderMap map;
  EXPECT_TRUE(map.empty());
  map.Add("X-B", "1");
  map.Add(Header::kAccept, "*/*");
  map.Add("x-b", "2");
  EXPECT_EQ(Dump(map), "x-b=1;accept=*/*;x-b=2;");
  EXPECT_EQ(map.Get("x-b"), "1");
  EXPECT_EQ(map.Count("x-b"), 2u);
  EXPECT_EQ(map.Get("accept"), "*/*");
  EXPECT_EQ(map.size(), 3u);
  EXPECT_EQ(map.ByteSize(), 17u);
}

TEST(HeaderMap, TellsAbsentFromEmpty) {
  HeaderMap map;
  EXPECT_EQ(map.Get(Header::kHost).data(), nullptr);
  EXPECT_EQ(map.Get("x").data(), nullptr);
  map.Add(Header::kHost, "");
  map.AddView(Header::kUnknown, "x", {});
  EXPECT_NE(map.Get(Header::kHost).data(), nullptr);
  EXPECT_TRUE(map.Has("x"));
}

TEST(HeaderMap, SetReplacesTheFirstAndRemovesTheOthers) {
  HeaderMap map;
  map.Add("x-a", "1");
  map.Add(Header::kVia, "p");
  map.Add("x-a", "2");
  map.Add(Header::kVia, "q");
  const std::string_view old = map.Get("x-a");
  map.Set("x-a", "3");
  map.Set(Header::kVia, "r");
  map.Set("new", "4");
  EXPECT_EQ(Dump(map), "x-a=3;via=r;new=4;");
  EXPECT_EQ(old, "1");
}

TEST(HeaderMap, RemoveFindsEveryFieldAndTheNextFirst) {
  HeaderMap map;
  map.Add(Header::kCookie, "a");
  map.Add("x", "1");
  map.Add(Header::kCookie, "b");
  EXPECT_EQ(map.Remove(Header::kCookie), 2u);
  EXPECT_FALSE(map.Has(Header::kCookie));
  EXPECT_EQ(map.Remove("cookie"), 0u);
  map.Add(Header::kCookie, "c");
  EXPECT_EQ(map.Get(Header::kCookie), "c");
  EXPECT_EQ(Dump(map), "x=1;cookie=c;");
}

TEST(HeaderMap, AppendToListJoinsWithAComma) {
  HeaderMap map;
  map.AppendToList(Header::kVia, "1.1 a");
  map.AppendToList(Header::kVia, "1.1 b");
  EXPECT_EQ(map.Get(Header::kVia), "1.1 a,1.1 b");
}

TEST(HeaderMap, AppendToListAppendsBehindTheLastOfSeveralFields) {
  HeaderMap map;
  map.Add(Header::kXForwardedHost, "a");
  map.Add("x", "1");
  map.Add(Header::kXForwardedHost, "b");
  EXPECT_EQ(map.Joined(Header::kXForwardedHost), "a,b");
  map.AppendToList(Header::kXForwardedHost, "c");
  EXPECT_EQ(Dump(map), "x-forwarded-host=a,b,c;x=1;");
}

TEST(HeaderMap, ViewsSurviveGrowthMoveAndLongValues) {
  HeaderMap map;
  map.Add("first", "value");
  const std::string_view view = map.Get("first");
  for (int i = 0; i < 1000; ++i) map.Add("x-" + std::to_string(i), std::string(i, 'v'));
  HeaderMap moved = std::move(map);
  EXPECT_EQ(view, "value");
  EXPECT_EQ(moved.size(), 1001u);
  EXPECT_EQ(moved.Get("x-999").size(), 999u);
  moved = HeaderMap();
  EXPECT_TRUE(moved.empty());
}

TEST(HeaderMap, FindsKnownFieldsBeyondWhatTheIndexCanSay) {
  HeaderMap map;
  for (int i = 0; i < 70'000; ++i) map.AddView(Header::kUnknown, "x", "y");
  map.Add(Header::kVia, "a");
  map.Add(Header::kVia, "b");
  EXPECT_EQ(map.Get(Header::kVia), "a");
  EXPECT_EQ(map.Count(Header::kVia), 2u);
  map.Set(Header::kVia, "c");
  EXPECT_EQ(map.Count("via"), 1u);
  EXPECT_EQ(map.Remove(Header::kVia), 1u);
  EXPECT_FALSE(map.Has(Header::kVia));
}

TEST(HeaderMap, PinsBlocksUntilItEnds) {
  const size_t before = Block::LiveBlocks();
  {
    HeaderMap map;
    for (int i = 0; i < 4; ++i) map.Pin(BlockRef::Adopt(Block::Take()));
    EXPECT_EQ(Block::LiveBlocks(), before + 4);
    HeaderMap other = std::move(map);
    EXPECT_EQ(Block::LiveBlocks(), before + 4);
    other.Clear();
    EXPECT_EQ(Block::LiveBlocks(), before);
    other.Pin(BlockRef::Adopt(Block::Take()));
  }
  EXPECT_EQ(Block::LiveBlocks(), before);
}

TEST(HeaderMap, KnowsWhetherEveryFieldWasCheckedByTheParser) {
  HeaderMap headers;
  EXPECT_TRUE(headers.all_checked());
  headers.AddView(Header::kMethod, "GET");
  headers.SetView(Header::kPath, "/");
  EXPECT_TRUE(headers.all_checked());
  HeaderMap changed = headers.Clone();
  EXPECT_TRUE(changed.all_checked());
  changed.Set(Header::kPath, "/a");
  EXPECT_FALSE(changed.all_checked());
  headers.Add("x-new", "value");
  EXPECT_FALSE(headers.all_checked());
  EXPECT_FALSE(headers.Clone().all_checked());
  headers.Clear();
  EXPECT_TRUE(headers.all_checked());
}

TEST(HeaderMap, CloneStandsAlone) {
  HeaderMap clone;
  {
    HeaderMap map;
    map.Add("x", "1");
    map.Add(Header::kHost, "h");
    map.Add("gone", "2");
    map.Remove("gone");
    clone = map.Clone();
  }
  EXPECT_EQ(Dump(clone), "x=1;host=h;");
  EXPECT_EQ(clone.Get(Header::kHost), "h");
}

}  // namespace
}  // namespace narthex
