// A client that has one HTTP/1.1 request under way at a time.
#pragma once

#include <string>
#include <vector>

#include "test/bench/client.h"
#include "test/bench/response_reader.h"

namespace narthex {

// The bytes of a GET request for `path`.
std::string MakeRequest(const std::string& path);

// See Client. Unless the options say Handshakes::kOnce each request has a connection of its own.
class Http1Client : public Client {
 public:
  explicit Http1Client(LoadContext& context);

 private:
  void Begin() override;
  bool Take() override;
  bool Send();
  bool Finish();

  std::vector<std::string> requests_;
  size_t next_request_ = 0;
  Tally::Clock::time_point sent_at_;
  ResponseReader reader_;
};

}  // namespace narthex
