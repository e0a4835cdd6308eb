#include "source/router/redirect.h"

#include "source/router/compiled_route.h"

namespace narthex {
namespace {

// The host without its port: an IPv6 address keeps its brackets.
std::string_view WithoutPort(std::string_view host) {
  size_t colon = host.rfind(':');
  size_t bracket = host.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

std::string_view PortOf(std::string_view host) {
  std::string_view name = WithoutPort(host);
  return host.size() > name.size() ? host.substr(name.size() + 1) : std::string_view();
}

std::string_view Scheme(const HeaderMap& headers) {
  std::string_view forwarded = headers.Get(Header::kXForwardedProto);
  if (!forwarded.empty()) return forwarded;
  std::string_view scheme = headers.Get(Header::kScheme);
  return scheme.empty() ? "http" : scheme;
}

std::string Host(const RedirectAction& action, std::string_view authority, std::string_view old_scheme,
                 std::string_view scheme) {
  std::string host(action.host.empty() ? authority : std::string_view(action.host));
  if (action.port != 0) return std::string(WithoutPort(host)) + ":" + std::to_string(action.port);
  // The default port of the old scheme would be wrong under the new one.
  if (!action.host.empty() || scheme == old_scheme) return host;
  std::string_view port = PortOf(host);
  bool drop = (old_scheme == "http" && port == "80") || (old_scheme == "https" && port == "443");
  return drop ? std::string(WithoutPort(host)) : host;
}

std::string Path(const RedirectAction& action, const CompiledRoute& route, const FormatContext& context) {
  std::string_view path = context.request->Get(Header::kPath);
  path = path.substr(0, path.find('#'));
  size_t length = PathLength(path);
  std::string_view query = action.strip_query ? std::string_view() : path.substr(length);
  std::string result;
  switch (action.path_kind) {
    case RedirectAction::Path::kKeep:
      result = path.substr(0, length);
      break;
    case RedirectAction::Path::kReplace:
      result = action.path;
      if (action.path.find('?') != std::string::npos) return result;
      break;
    case RedirectAction::Path::kPrefix:
      result = action.path;
      result += path.substr(0, length).substr(MatchedLength(path, route));
      break;
    case RedirectAction::Path::kRegex:
      result = action.regex->ReplaceAll(path.substr(0, length), action.path);
      break;
    case RedirectAction::Path::kFormat:
      action.format->AppendTo(result, context);
      if (result.find('?') != std::string::npos) return result;
      break;
  }
  result += query;
  return result;
}

}  // namespace

std::string RedirectLocation(const RedirectAction& action, const CompiledRoute& route,
                             const FormatContext& context) {
  const HeaderMap& headers = *context.request;
  std::string_view old_scheme = Scheme(headers);
  std::string_view scheme = action.scheme.empty() ? old_scheme : std::string_view(action.scheme);
  std::string location(scheme);
  location += "://";
  const std::string host = Host(action, headers.Get(Header::kAuthority), old_scheme, scheme);
  const std::string path = Path(action, route, context);
  const bool rewritten = action.path_kind != RedirectAction::Path::kKeep;
  if (host.empty() || (rewritten && !path.empty() && !IsForwardablePath(path))) return "";
  location += host;
  location += path;
  return location;
}

}  // namespace narthex
