#include "test/bench/http1_client.h"

namespace narthex {

std::string MakeRequest(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nhost: bench.test\r\nuser-agent: narthex-bench\r\naccept: */*\r\n\r\n";
}

Http1Client::Http1Client(LoadContext& context) : Client(context), reader_(context.options.body_size) {
  for (const std::string& path : context.options.paths) requests_.push_back(MakeRequest(path));
  if (requests_.empty()) requests_.push_back(MakeRequest("/"));
}

// A connection that does not take the request is found dead when its answer is looked for.
void Http1Client::Begin() {
  reader_.Reset();
  Send();
}

bool Http1Client::Send() {
  sent_at_ = Tally::Clock::now();
  return transport().Send(requests_[next_request_++ % requests_.size()]);
}

bool Http1Client::Take() {
  std::span<char> buffer = context().buffer;
  for (;;) {
    ssize_t size = transport().Receive(buffer);
    if (size <= 0) return size == 0;
    switch (reader_.Consume({buffer.data(), static_cast<size_t>(size)})) {
      case ResponseReader::State::kIncomplete:
        continue;
      case ResponseReader::State::kBad:
        return false;
      case ResponseReader::State::kComplete:
        return Finish();
    }
  }
}

// What comes now answers the next request, with an event of its own.
bool Http1Client::Finish() {
  Handshakes handshakes = context().options.handshakes;
  if (handshakes == Handshakes::kOnce) {
    context().tally.Answered(sent_at_);
    return Send();
  }
  // A server sends its tickets before it answers: without one the next handshake would be a full one.
  if (handshakes == Handshakes::kResumed && !has_ticket()) return false;
  context().tally.Answered(opened_at());
  Renew();
  return true;
}

}  // namespace narthex
