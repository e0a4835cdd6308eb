#pragma once

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/http/http2/http2_events.h"
#include "source/http/http2/http2_field_writer.h"
#include "source/http/http2/http2_guards.h"
#include "source/http/http2/http2_keepalive.h"
#include "source/http/http2/http2_output.h"
#include "source/http/http2/http2_stats.h"
#include "source/http/http2/http2_stream_ids.h"
#include "source/http/message.h"
#include "source/net/stream.h"

namespace narthex {

// The frames of one HTTP/2 connection, on nghttp2: what server and client share. Reads and writes the stream,
// keeps flow control and the guards, and tells its owner what has happened to streams.
//
// The rule that everything rests on: nghttp2 calls back while it reads and writes, and then only notes are
// taken; no coroutine of a stream runs. They run from Turn, or from events of their own, and then nghttp2 is
// only told what to send (which it queues) and what was read. So a stream may be destroyed wherever its owner
// is told of it. Loop-confined.
class Http2Session {
 public:
  enum class Role : uint8_t { kServer, kClient };
  struct Settings {
    Role role;
    const Http2Options& options;  // outlives the session
    uint32_t max_header_kb;
    uint32_t max_headers;
    uint32_t buffer_limit;
    std::chrono::milliseconds head_timeout;           // from a head's first frame to its end; 0: none
    std::chrono::milliseconds delayed_close_timeout;  // how long the peer may take to close
  };

  Http2Session(EventLoop& loop, std::unique_ptr<Stream> stream, Http2Events& events, const Http2Stats& stats,
               Settings settings);
  ~Http2Session();

  // Announces our settings and begins to read, behind what has been read already.
  void Start(Buffer received = {});

  // Submit what is sent with the next Turn; the fields may go then.
  // A response's or request's head; with `body`, DATA follows from stream.to_send. False: nghttp2 refused.
  bool SubmitResponse(Http2Stream& stream, const Http2Fields& fields, bool body);
  bool SubmitRequest(Http2Stream& stream, const Http2Fields& fields, bool body);
  void SubmitInterim(Http2Stream& stream, const Http2Fields& fields);
  // Gives a piece of body to be sent. REQUIRES: to_send is empty, and nothing was given with `end`.
  void Send(Http2Stream& stream, Buffer data, bool end, const HeaderMap* trailers);
  // Resets the stream, which is closed from now on. Does nothing when it is closed already.
  void Reset(Http2Stream& stream, uint32_t code);
  // The peer broke the rules of messages on `stream`.
  void Malformed(Http2Stream& stream, const Http2FieldError& error);
  // The peer's part of the message ends here.
  void EndInbound(Http2Stream& stream);
  // Takes a piece of what was received, and lets the peer send as much again. Not more at once than
  // BodyReadSize.
  BodyPiece TakeReceived(Http2Stream& stream);
  // Of the connection's whole life.
  const StreamBytes& bytes() const { return stream_->bytes(); }
  // Lets the peer send `bytes` more on the stream.
  void Consume(Http2Stream& stream, size_t bytes);
  // Nobody waits for what was received of the stream: it shall not hold blocks that are mostly others'.
  void Pack(Http2Stream& stream);

  // The owner is told of `what` in the present or next Turn; never once the session is over.
  void MarkReady(Http2Stream& stream, Http2Stream::Ready what);
  // Drops all that the session keeps of the stream, which outlives it from now on, and must not be given to
  // it any more.
  void Forget(Http2Stream& stream);

  // Announces that no stream will be taken soon; then FinalGoAway, with the last one that is: later ones are
  // not to be served.
  void ShutdownNotice();
  void FinalGoAway();
  void Ping(const uint8_t (&opaque)[8]);
  // Ends the connection with GOAWAY: nothing is read any more. Tells the owner first, so that it ends its
  // streams. `failure`: a response code detail, empty for none.
  void Close(uint32_t code, std::string_view failure);
  // The same for a flood, and counts it.
  void CloseFor(Http2Flood flood);
  // Ends it without more ado, and closes the descriptor now. REQUIRES: no streams; called from the loop.
  void Abandon();

  nghttp2_session* raw() const { return session_.get(); }
  EventLoop& loop() const { return loop_; }
  Stream& stream() const { return *stream_; }
  const Settings& settings() const { return settings_; }
  const Http2Stats& stats() const { return stats_; }
  Http2Fields& scratch() { return scratch_; }
  bool open() const { return state_ == State::kOpen; }
  // Bytes of bodies received and given to the socket so far, whether something waits for the peer to read.
  uint64_t data_received() const { return data_received_; }
  uint64_t data_sent() const { return data_sent_; }
  bool write_blocked() const { return write_blocked_; }
  size_t buffered_output() const { return output_.size(); }
  // Bytes of all kinds given to the socket so far.
  uint64_t written() const { return output_.written(); }
  // Sends what there is at once, as far as the socket takes it. REQUIRES: called from the loop.
  void SendNow() {
    if (state_ == State::kOpen) Flush();
  }
  // The same, but resumes nobody, and tells of nothing: for whoever is about to leave.
  void PushOut();
  void ScheduleTurn() {
    if (!in_turn_) loop_.AtTurnEnd(turn_end_);
  }

 private:
  friend struct Http2Stream;
  friend struct Http2Callbacks;
  enum class State : uint8_t { kOpen, kClosing, kLingering, kEnded };
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  void MakeSession();
  void SubmitSettings();
  Task<void> Run();
  Task<void> Writer();
  struct Frame {
    size_t length;
    uint8_t type;
    uint8_t flags;
    int32_t id;
  };

  void Receive();
  bool BeginFrame();
  uint32_t FaultOf(const Frame& frame) const;
  Http2Flood FloodOf(const Frame& frame);
  void OnReceiveError(int error);
  // Tells of what has happened, and writes. From the loop, from Run or Writer; never from inside nghttp2 or a
  // stream's coroutine.
  void Turn();
  bool Dispatch();
  void Flush();
  void Pull();
  void Write();
  bool WriteSome();
  void Terminate(uint32_t code);
  void CheckOutbound();
  void WatchHead();
  void StartLinger();
  // The connection is over.
  void End(bool remote);
  static void OnCloseTimer(void* self);
  static void OnHeadTimer(void* self);

  // From inside nghttp2; a flood is noted, and false.
  bool Guard(Http2Flood flood);
  bool OnHeadBegin(const nghttp2_frame& frame);
  void OnHeadEnd(Http2Stream& stream, bool end_stream);
  bool OnFrame(const nghttp2_frame& frame);
  bool OnDataChunk(int32_t id, std::string_view bytes);
  bool OnReset(const nghttp2_frame& frame);
  bool CountReset();
  void OnFrameSent(const nghttp2_frame& frame);
  bool OnInvalidFrame(const nghttp2_frame& frame);
  void OnStreamClosed(int32_t id, uint32_t code);
  ssize_t ReadData(int32_t id, size_t length, uint32_t* flags);
  int SendData(int32_t id, const uint8_t* head, size_t length);

  Http2Stream* Find(int32_t id) const {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(raw(), id));
  }
  void Detach(Http2Stream& stream);
  bool is_client() const { return settings_.role == Role::kClient; }

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  Http2Events& events_;
  const Http2Stats& stats_;
  const Settings settings_;
  const size_t piece_size_;  // of one read, and of what waits to be written
  Http2Guards guards_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  Http2FieldReader reader_;
  Http2Fields scratch_;
  Buffer input_;
  Http2Output output_;
  std::vector<Http2Stream*> ready_;
  TurnEnd turn_end_;
  Timer head_timer_;
  Timer close_timer_;
  Http2Keepalive keepalive_;
  std::string_view failure_;  // why the connection ends, a literal
  size_t heads_pending_ = 0;
  uint64_t data_received_ = 0;
  uint64_t data_sent_ = 0;
  size_t frame_left_ = 0;  // of the present frame, or of the client's preface
  std::string parked_;     // the beginning of a frame's header
  Http2StreamIds ids_;
  uint64_t late_heads_ = 0;  // of streams behind the last one that is served
  size_t discarded_ = 0;
  size_t read_size_ = Block::kSize;
  Http2Flood flood_ = Http2Flood::kNone;
  State state_ = State::kOpen;
  bool in_turn_ = false;
  bool receiving_ = false;  // a Turn follows
  bool write_blocked_ = false;
  bool writing_ = false;    // Writer runs
  bool head_open_ = false;  // a head has begun and not ended
  bool head_ends_ = false;  // with the present frame
  Task<void> writer_;
  Task<void> root_;
};

}  // namespace narthex
