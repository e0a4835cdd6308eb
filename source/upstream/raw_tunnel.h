#pragma once

#include "source/upstream/cluster.h"

namespace narthex {

// A CONNECT that ends here (RFC 9110 section 9.3.6): opens a raw connection to a host of the cluster, which
// is whom the cluster says and never whom the request names, and answers 200. The response's body is what the
// host sends; what the client sends goes to the host, until both have ended. Fills request.info().upstream.
// Destroying the task, or the body, closes the connection. Loop-confined.
Task<ClientConnection::Result> OpenRawTunnel(Cluster& cluster, Request request, AttemptOptions options);

}  // namespace narthex
