// Back-pressure: what stands still holds no more than its window, whichever side does not read.

#include <string>

#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

constexpr uint32_t kWindow = 65'535;

TEST_F(Http2ServerTest, AsksForNoMoreOfABodyThanTheClientTakes) {
  Connect();
  Send(RawHeaders(1, RawGet("/endless"), true));
  EXPECT_EQ(At(1).body.size(), kWindow);
  // One piece more waits than fits the window.
  EXPECT_LE(handler_.pieces, static_cast<int>(kWindow / handler_.piece_size + 2));
  const int asked = handler_.pieces;
  Advance(1000);
  EXPECT_EQ(handler_.pieces, asked);
  Send(RawWindowUpdate(0, 20'000) + RawWindowUpdate(1, 20'000));
  EXPECT_EQ(At(1).body.size(), kWindow + 20'000);
}

TEST_F(Http2ServerTest, StopsWhileTheSocketIsFull) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}});
  Send(RawWindowUpdate(0, 1 << 30));
  peer_.window = 1000;
  Send(RawHeaders(1, RawGet("/endless"), true) + RawHeaders(3, RawGet("/endless"), true));
  // A piece of each stream, and what the connection keeps ready to be written.
  EXPECT_LE(handler_.pieces, 8);
  for (int i = 0; i < 10; ++i) {
    const int before = handler_.pieces;
    stream_->Drained(16 * 1024);
    Turn();
    EXPECT_LE(handler_.pieces, before + 6);
  }
  EXPECT_LE(static_cast<size_t>(handler_.pieces) * handler_.piece_size,
            peer_.received.size() + 8 * 16 * 1024);
  EXPECT_GT(At(3).body.size(), 0u);
}

// A client that reads on without ever having read all.
TEST_F(Http2ServerTest, FramesThatAreOnTheirWayDoNotAddUp) {
  options_.http2.max_outbound_frames = 30;
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}});
  Send(RawWindowUpdate(0, 1 << 30));
  peer_.window = 1000;
  Send(RawHeaders(1, RawGet("/endless"), true));
  for (int i = 0; i < 200; ++i) {
    stream_->Drained(10'000);
    Send(RawWindowUpdate(0, 1));
    ASSERT_TRUE(reader_.goaways.empty()) << i;
    ASSERT_EQ(peer_.window, 0u) << "the socket is never empty";
  }
  EXPECT_GT(At(1).data_frames, 3u * 30);
}

// A quarter of each block is the one's, the rest another's who is read.
TEST_F(Http2ServerTest, ABodyThatNobodyReadsHoldsNoBlocksOfOthers) {
  Connect();
  Send(RawHeaders(1, RawPost("/wait"), false) + RawHeaders(3, RawPost("/talk"), false));
  const size_t before = Block::LiveBlocks();
  for (int i = 0; i < 14; ++i) {
    Send(RawData(1, std::string(4400, 's'), false) + RawData(3, std::string(11'000, 'r'), false));
  }
  EXPECT_LE(Block::LiveBlocks(), before + 6);
  handler_.go.Set();
  Turn();
  EXPECT_EQ(At(1).status(), 200);
}

TEST_F(Http2ServerTest, HoldsAtMostItsWindowOfABodyThatNobodyReads) {
  Connect();
  Send(RawHeaders(1, RawPost("/wait"), false));
  const size_t before = Block::LiveBlocks();
  for (int i = 0; i < 4; ++i) Send(RawData(1, std::string(16'384, 'd'), false));
  EXPECT_EQ(reader_.window_updates.count(1), 0u);
  EXPECT_LE(Block::LiveBlocks(), before + 10);
  EXPECT_FALSE(At(1).reset);
  // One byte more than the window breaks the rules.
  Send(RawData(1, "x", false));
  EXPECT_TRUE(At(1).reset || !reader_.goaways.empty());
}

TEST_F(Http2ServerTest, OpensTheWindowAsTheBodyIsRead) {
  Connect();
  Send(RawHeaders(1, RawPost("/read-slowly"), false));
  // The first piece is read at once, and the next ones only when the handler goes on.
  for (int i = 0; i < 4; ++i) Send(RawData(1, std::string(16'384, 'd'), false));
  const uint64_t opened = reader_.window_updates[1];
  EXPECT_LE(opened, 16'384u);
  handler_.go.Set();
  Turn();
  EXPECT_EQ(handler_.body_read, 4u * 16'384);
  EXPECT_GE(reader_.window_updates[1], 3u * 16'384);
}

TEST_F(Http2ServerTest, OneStalledBodyLeavesTheOthersTheirs) {
  Connect();
  Send(RawHeaders(1, RawPost("/wait"), false));
  for (int i = 0; i < 4; ++i) Send(RawData(1, std::string(16'384, 'd'), false));
  // More than the connection's window altogether.
  uint64_t sent = 4 * 16'384;
  for (uint32_t id = 3; id < 103; id += 2) {
    Send(RawHeaders(id, RawPost("/echo"), false) + RawData(id, std::string(16'384, 'e'), false) +
         RawData(id, std::string(16'384, 'f'), true));
    sent += 2 * 16'384;
    Send(RawWindowUpdate(0, 2 * 16'384));
    ASSERT_EQ(At(id).body.size(), 2u * 16'384) << id;
  }
  EXPECT_GT(sent, 1024u * 1024);
  EXPECT_GE(reader_.window_updates[0] + 65'535, sent);
}

TEST_F(Http2ServerTest, GivesTheConnectionsWindowBackWithABodyThatNobodyWants) {
  Connect();
  // Each leaves a window of unread bytes behind.
  uint64_t sent = 0;
  for (uint32_t id = 1; id < 81; id += 2) {
    Send(RawHeaders(id, RawPost("/wait"), false));
    for (int i = 0; i < 3; ++i) Send(RawData(id, std::string(16'384, 'd'), false));
    sent += 3 * 16'384;
    Send(RawReset(id, NGHTTP2_CANCEL));
  }
  EXPECT_GT(sent, 1024u * 1024);
  EXPECT_TRUE(reader_.goaways.empty());
  EXPECT_EQ(handler_.ended.size(), 40u);
}

TEST_F(Http2ServerTest, ZeroWindowsCostLittle) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  handler_.piece_size = 64 * 1024;
  const size_t before = Block::LiveBlocks();
  for (uint32_t i = 0; i < 100; ++i) Send(RawHeaders(2 * i + 1, RawGet("/endless"), true));
  EXPECT_EQ(handler_.seen.size(), 100u);
  // One piece, of the source's choice, for each: here five blocks.
  EXPECT_LE(Block::LiveBlocks() - before, 100u * 5 + 8);
  EXPECT_EQ(handler_.pieces, 100);
  Advance(300'001);
  EXPECT_EQ(reader_.resets, 100);
  EXPECT_EQ(Block::LiveBlocks(), before);
  for (const Recorder::Ended& ended : handler_.ended) {
    EXPECT_TRUE(ended.Has(ResponseFlag::kStreamIdleTimeout));
    EXPECT_EQ(ended.details, "stream_idle_timeout");
  }
}

TEST_F(Http2ServerTest, AnIdleConnectionHoldsNoBlock) {
  const size_t before = Block::LiveBlocks();
  Connect();
  Send(RawHeaders(1, RawPost("/echo"), false) + RawData(1, std::string(10'000, 'a'), true));
  EXPECT_EQ(At(1).body.size(), 10'000u);
  EXPECT_EQ(Block::LiveBlocks(), before);
}

}  // namespace
}  // namespace narthex
