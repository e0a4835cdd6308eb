// A client that keeps several requests under way on one HTTP/2 connection: GET, or unary gRPC calls.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "test/bench/client.h"
#include "test/bench/nghttp2.h"

namespace narthex {

// See Client. A response must have status 200 and the expected length; one to a gRPC call must carry the
// message that was sent, and grpc-status 0 after it. nghttp2 checks the rest.
class Http2Client : public Client {
 public:
  explicit Http2Client(LoadContext& context);
  ~Http2Client() override;

 private:
  struct Call {
    Tally::Clock::time_point sent_at;
    size_t sent = 0;
    size_t received = 0;
    int status = 0;
    bool grpc_is_good = false;
    bool intact = true;  // what was received so far is the message that was sent
  };
  struct Callbacks;

  void Begin() override;
  bool Take() override;
  bool Submit(Call& call);
  bool Flush();
  void OnField(Call& call, std::string_view name, std::string_view value);
  void OnData(Call& call, std::string_view bytes);
  void OnEnd(Call& call, uint32_t error);
  std::string Fault(const Call& call, uint32_t error) const;

  std::vector<std::vector<nghttp2_nv>> requests_;  // of each path; their values are `paths_` and literals
  std::vector<std::string> paths_;
  std::string message_;  // what a gRPC call sends, its five bytes of prefix included
  size_t expected_body_;
  size_t next_request_ = 0;
  std::vector<Call> calls_;
  std::vector<Call*> ended_;  // their places are free for the next calls
  std::string output_;
  std::unique_ptr<nghttp2_session_callbacks, Nghttp2Delete> callbacks_;
  std::unique_ptr<nghttp2_session, Nghttp2Delete> session_;
};

}  // namespace narthex
