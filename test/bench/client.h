// One client of the closed loop: a connection that is replaced when it fails, and the requests on it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "test/bench/load_options.h"
#include "test/bench/tally.h"
#include "test/bench/tls_transport.h"
#include "test/bench/transport.h"

namespace narthex {

// What all clients of a load share.
struct LoadContext {
  const LoadOptions& options;
  int epoll;
  std::unique_ptr<TlsClient> tls;  // null in clear text
  Tally tally;
  std::array<char, 256 * 1024> buffer;  // for what was just received
};

// Loop-confined. Its sockets are in the context's epoll set, with the client itself as their tag.
class Client {
 public:
  explicit Client(LoadContext& context) : context_(context) {}
  Client(const Client&) = delete;
  virtual ~Client() = default;

  // Connects. What cannot go on for now goes on at the next event.
  void Open();

  // Something has happened to the client's socket, or to the one it had before.
  void OnEvent();

 protected:
  // The connection is ready for the first requests.
  virtual void Begin() = 0;

  // Takes all that has arrived and sends what follows from it; false when the connection is of no more use.
  virtual bool Take() = 0;

  // Ends the connection in good order and opens another one.
  void Renew();

  LoadContext& context() { return context_; }
  Transport& transport() { return *transport_; }
  bool has_ticket() const { return session_ != nullptr; }
  Tally::Clock::time_point opened_at() const { return opened_at_; }

 private:
  Transport::Progress Shake();

  LoadContext& context_;
  TlsSession session_;
  std::unique_ptr<Transport> transport_;  // after `session_`, which it points to
  Tally::Clock::time_point opened_at_;
  bool ready_ = false;  // the handshake is done
};

// A client for what the options ask for.
std::unique_ptr<Client> MakeClient(LoadContext& context);

}  // namespace narthex
