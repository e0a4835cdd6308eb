#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "source/server/active_listener.h"
#include "source/server/first_bytes.h"

namespace narthex {

// A connection that is ready to be served, and what its filter chain is.
struct ArrivedConnection {
  std::shared_ptr<const ListenerConfig> config;  // owns the chain
  const FilterChainConfig& chain;
  const ListenerBooks& books;
  int fd;  // the stream owns it
  std::unique_ptr<Stream> stream;
  ConnectionFacts facts;
};

// The connections of a listener that were accepted and are not served yet: listener filters look at their
// first bytes, their filter chain is chosen, TLS is agreed on. Each of these has its time limit; what fails
// is closed, counted, and written to the listener's access logs. Loop-confined.
class Arrivals {
 public:
  using Serve = std::function<void(ArrivedConnection connection)>;

  Arrivals(EventLoop& loop, WorkerShared& shared, Serve serve);
  ~Arrivals();

  // Takes over `fd`. Calls `serve` before it returns when there is nothing to wait for.
  void Take(std::shared_ptr<const ListenerConfig> config, const ListenerBooks& books, int fd,
            ConnectionFacts facts);
  // Closes the one that has been waited for longest, if that is long; false otherwise.
  bool CloseOldest();
  // The process is overloaded: closes those whose TLS handshake takes longer than `reduced` leaves it.
  void EndLate(const ReducedTimeouts& reduced);
  bool empty() const { return waiting_.empty(); }

 private:
  // One of them.
  struct Arrival {
    std::shared_ptr<const ListenerConfig> config;
    const ListenerBooks& books;
    ConnectionFacts facts;
    ConnectionTraits traits = {};
    uint64_t since_us = 0;
    int fd = -1;                                    // owned, until a stream owns it
    int socket = -1;                                // the same, for as long as it is open
    const FilterChainConfig* handshakes = nullptr;  // the chain, while TLS is agreed on
    uint64_t handshake_us = 0;                      // since when
    std::list<std::unique_ptr<Arrival>>::iterator position = {};
    Task<void> task = {};
  };
  enum class Look { kGoOn, kClose };

  Task<void> Run(Arrival& arrival);
  Task<bool> PassFilters(Arrival& arrival);
  Task<Look> RunFilters(Arrival& arrival);
  Task<Look> TakeProxyHeader(Arrival& arrival, FirstBytes& bytes, const ProxyProtocolFilter& filter);
  Task<Look> InspectTls(Arrival& arrival, FirstBytes& bytes, const TlsInspectorFilter& filter);
  Task<Look> InspectHttp(Arrival& arrival, FirstBytes& bytes, const HttpInspectorFilter& filter);
  Task<std::unique_ptr<Stream>> MakeStream(Arrival& arrival, const FilterChainConfig& chain);
  const FilterChainConfig* ChooseChain(Arrival& arrival);
  void HandshakeFailed(Arrival& arrival, std::string error);
  void End(Arrival& arrival);

  EventLoop& loop_;
  WorkerShared& shared_;
  const Serve serve_;
  std::list<std::unique_ptr<Arrival>> waiting_;  // the oldest first
};

}  // namespace narthex
