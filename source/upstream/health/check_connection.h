#pragma once

#include <memory>
#include <string>

#include "source/upstream/health/probe.h"

namespace narthex {

// The HTTP connection to one host that its checks use one after the other. Loop-confined; destroyed from the
// loop, after the tasks of Send and the responses that came of it.
class CheckConnection {
 public:
  // `hostname` is the host that requests name.
  CheckConnection(const ProbeContext& context, const Host& host, UpstreamProtocol protocol,
                  std::string hostname);
  ~CheckConnection();

  // Connects when there is no connection, and sends `request`. One that had been idle and was lost without an
  // answer is replaced, once.
  Task<ClientConnection::Result> Send(Request request);
  void Close();

 private:
  class Line;
  Task<std::unique_ptr<ExchangeError>> Open();

  const ProbeContext& context_;
  const Address address_;
  const std::string hostname_, host_name_, server_name_;
  const UpstreamProtocol protocol_;
  const std::string proxy_header_;
  std::unique_ptr<Line> line_;
};

}  // namespace narthex
