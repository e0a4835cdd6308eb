#include "source/manager/admission.h"

namespace narthex {
namespace {

using Outcome = Admission::Outcome;

// The path in its final form, in `headers` (also when it is to be redirected to).
Outcome CleanPath(const PathPolicy& policy, HeaderMap& headers, std::string& location) {
  std::string_view path = headers.Get(Header::kPath);
  bool connect = headers.Get(Header::kMethod) == "CONNECT";
  if (path.empty()) return connect ? Outcome::kRouted : Outcome::kMissingPath;
  if (path[0] != '/' && !connect) return Outcome::kNonRelativePath;
  std::string clean;
  switch (NormalizePath(policy, path, clean)) {
    case PathVerdict::kUnchanged:
      return Outcome::kRouted;
    case PathVerdict::kChanged:
      headers.Set(Header::kPath, clean);
      return Outcome::kRouted;
    case PathVerdict::kRefused:
      return Outcome::kRefusedPath;
    case PathVerdict::kRedirect:
      // A gRPC client does not follow redirects.
      if (headers.Get(Header::kContentType).starts_with("application/grpc")) return Outcome::kRefusedPath;
      location = std::move(clean);
      return Outcome::kRedirectedPath;
  }
  return Outcome::kRefusedPath;
}

}  // namespace

int Admission::status() const {
  switch (outcome) {
    case Outcome::kRouted:
      return 0;
    case Outcome::kUnderscoreInHeader:
    case Outcome::kRefusedPath:
      return 400;
    case Outcome::kMissingPath:
    case Outcome::kNonRelativePath:
    case Outcome::kNoRoute:
      return 404;
    case Outcome::kRedirectedPath:
      return 307;
    case Outcome::kNoClientAddress:
      return client.reject_status;
  }
  return 500;
}

std::string_view Admission::detail() const {
  switch (outcome) {
    case Outcome::kRouted:
      return {};
    case Outcome::kUnderscoreInHeader:
      return "http1.unexpected_underscore";
    case Outcome::kRefusedPath:
    case Outcome::kRedirectedPath:
      return "path_normalization_failed";
    case Outcome::kMissingPath:
      return "missing_path_rejected";
    case Outcome::kNonRelativePath:
      return "absolute_path_rejected";
    case Outcome::kNoClientAddress:
      return "rejecting_because_detection_failed";
    case Outcome::kNoRoute:
      return "route_not_found";
  }
  return {};
}

Admission Admit(const HcmConfig& config, const ConnectionFacts& connection, HeaderMap& headers,
                const Exchange* exchange, uint64_t random) {
  Admission admission;
  if (HasForbiddenUnderscore(config.headers.underscores, headers, admission.dropped_headers)) {
    admission.outcome = Outcome::kUnderscoreInHeader;
    return admission;
  }
  admission.outcome = CleanPath(config.path, headers, admission.location);
  if (admission.outcome != Outcome::kRouted) return admission;
  NormalizeAuthority(config.headers.authority, connection.local.port(), headers);
  admission.client = ResolveClientAddress(config.client_address, connection, headers);
  if (admission.client.reject_status != 0) {
    admission.outcome = Outcome::kNoClientAddress;
    return admission;
  }
  SanitizeRequest(config.headers, connection, admission.client, headers);
  if (!headers.Has(Header::kScheme)) {
    headers.SetView(Header::kScheme, headers.Get(Header::kXForwardedProto) == "https" ? "https" : "http");
  }
  SetRequestId(config.request_id, admission.client.edge, headers);
  admission.route = config.routes->Match(RouteInput{headers, exchange, random});
  if (admission.route == nullptr) admission.outcome = Outcome::kNoRoute;
  return admission;
}

}  // namespace narthex
