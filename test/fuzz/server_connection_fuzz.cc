// The bytes of a client, cut anywhere, to a server connection with the client codec and an upstream behind
// it. What is forwarded must be what the bytes mean when they are read in one piece, message for message;
// every request gets its own answer; and nothing is left over at the end.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "test/fuzz/pieces.h"
#include "test/http/proxy_rig.h"
#include "test/http/whole_message.h"

namespace narthex {
namespace {

// A head is forwarded with a field of framing more, so the oracle for it allows more than the proxy.
constexpr Http1Limits kRoomy{.max_head_bytes = 1 << 20, .max_headers = 1000};
// Longer than every timeout of these options.
constexpr int kForEver = 5000;

bool IsConnect(const WholeMessage& request) {
  return request.start.starts_with("CONNECT ");
}

// The requests of a connection, up to the last that may follow another.
std::vector<WholeMessage> RequestsIn(std::string_view bytes) {
  std::vector<WholeMessage> requests;
  while (!bytes.empty()) {
    WholeMessage request = ReadWholeRequest(bytes);
    // HTTP/1.0 is off, and so refused.
    if (request.head_size == 0 || request.http_10) break;
    requests.push_back(request);
    // What follows goes through its tunnel.
    if (IsConnect(request)) break;
    if (!request.complete() || !request.keep_alive) break;
    bytes.remove_prefix(request.size);
  }
  return requests;
}

std::string AnswerBody(size_t i) {
  return "answer to request " + std::to_string(i);
}

std::string Answer(size_t i) {
  const std::string body = AnswerBody(i);
  if (i % 2 == 0)
    return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  std::string answer =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n" + body.substr(0, 4) + "\r\n";
  char size[8];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size() - 4);
  return answer + size + body.substr(4) + "\r\n0\r\n\r\n";
}

// Answers each request that has arrived whole, once.
void AnswerAll(ProxyRig& rig, size_t& answered) {
  while (answered < rig.upstreams()) {
    const WholeMessage request = ReadWholeRequest(rig.forwarded(answered), kRoomy);
    Require(request.state != WholeMessage::State::kRefused);
    if (!request.complete()) return;
    Require(request.size == rig.forwarded(answered).size());
    const size_t i = answered++;
    rig.Answer(i, Answer(i));
  }
}

void CheckForwarded(const ProxyRig& rig, const std::vector<WholeMessage>& requests) {
  Require(rig.upstreams() <= requests.size());
  size_t whole = 0;
  for (const WholeMessage& request : requests) whole += request.complete() ? 1 : 0;
  Require(rig.upstreams() >= whole);
  for (size_t i = 0; i < rig.upstreams(); ++i) {
    const WholeMessage forwarded = ReadWholeRequest(rig.forwarded(i), kRoomy);
    Require(forwarded.start == requests[i].start && forwarded.fields == requests[i].fields);
    if (i < whole) Require(forwarded.SameAs(requests[i]));
    if (i >= whole) Require(!forwarded.complete() && requests[i].body.starts_with(forwarded.body));
  }
}

// Behind the head of an answer that begins a tunnel there are the upstream's bytes as they are.
void CheckTunnel(std::string_view received, size_t i) {
  const WholeMessage response = ReadWholeResponse(received, false, /*ended=*/true);
  const std::string answer = Answer(i);
  Require(response.status == 200 && response.framing.kind == Framing::Kind::kUntilClose);
  Require(response.body == answer.substr(answer.find("\r\n\r\n") + 4));
}

// One answer for each request, in order, and then perhaps one refusal.
void CheckAnswers(std::string_view received, const std::vector<WholeMessage>& requests, size_t answered) {
  for (size_t i = 0; !received.empty();) {
    if (i < answered && IsConnect(requests[i])) return CheckTunnel(received, i);
    const bool to_head = i < requests.size() && requests[i].start.starts_with("HEAD ");
    const WholeMessage response = ReadWholeResponse(received, to_head, false);
    Require(response.complete());
    received.remove_prefix(response.size);
    if (response.status == 100) continue;
    Require(i <= answered);
    if (i < answered) Require(response.status == 200 && (to_head || response.body == AnswerBody(i)));
    if (i == answered) Require(response.status >= 400 && !response.keep_alive && received.empty());
    ++i;
  }
}

void Run(std::string_view bytes, uint32_t seed) {
  ServerCodecOptions server;
  server.enable_trailers = true;
  server.stream_idle_timeout = server.idle_timeout = std::chrono::seconds(1);
  ClientCodecOptions client;
  client.enable_trailers = true;
  ProxyRig rig(server, client);
  size_t answered = 0;
  for (Pieces pieces(bytes, seed); !pieces.empty();) {
    rig.Send(pieces.Next());
    AnswerAll(rig, answered);
  }
  rig.CloseSending();
  rig.Advance(kForEver);
  Require(rig.closed() && rig.started() == rig.finished());
  const std::vector<WholeMessage> requests = RequestsIn(bytes);
  CheckForwarded(rig, requests);
  CheckAnswers(rig.received(), requests, answered);
}

}  // namespace
}  // namespace narthex

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 100'000) return 0;
  const size_t live = narthex::Block::LiveBlocks();
  narthex::Run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  narthex::Require(narthex::Block::LiveBlocks() == live);
  return 0;
}
