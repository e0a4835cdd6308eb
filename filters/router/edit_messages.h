#pragma once

#include <optional>

#include "filters/router/response_deadline.h"
#include "source/router/compiled_route.h"

// What the router changes of a request before it goes upstream and of a response before it goes back. Without
// rewrites and header mutations on the route nothing is allocated.
namespace narthex {

// Header mutations, host and path rewrites, the router's own x-envoy- headers; in Envoy's order. The reply,
// when a rewriting made what can't be sent: 400 for a host, which the client chose, 500 for a path, which the
// configuration spoilt.
std::optional<Response> EditRequest(const CompiledRoute& route, Request& request,
                                    std::chrono::milliseconds timeout, bool envoy_headers);
// The same for what answers an attempt, be it the upstream's response or a local reply in its place:
// x-envoy-upstream-service-time (upstream only), the route's header mutations, x-envoy-attempt-count.
void EditResponse(const CompiledRoute& route, Exchange& exchange, Response& response, bool envoy_headers);

// Applies the route's response header mutations to a response of any kind, and notes that in the exchange.
void MutateResponse(const CompiledRoute& route, Exchange& exchange, Response& response);

// The name of the first header in `names` whose value in `headers` is not what Envoy's router accepts; empty
// when all are fine.
std::string_view FindInvalidHeader(const HeaderMap& headers, const std::vector<std::string>& names);

}  // namespace narthex
