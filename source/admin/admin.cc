#include "source/admin/admin.h"

#include <algorithm>
#include <cstdlib>

namespace narthex {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string DecodeQuery(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      decoded += char(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

// Whether a Host header names this machine by address, or as localhost.
bool IsLocalName(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[') {
    const size_t end = host.find(']');
    return end != std::string_view::npos && Address::Ip(host.substr(1, end - 1), 0).ok();
  }
  const std::string_view name = host.substr(0, host.find(':'));
  return name == "localhost" || Address::Ip(name, 0).ok();
}

// Runs its action when the exchange that holds it has ended.
struct Afterwards {
  std::function<void()> action;
  ~Afterwards() { action(); }
};

// Whether a page of another site had a browser send this, which asks nobody before a simple POST.
bool IsForeign(const AdminSender& sender, std::string_view host) {
  if (!sender.fetch_site.empty() && sender.fetch_site != "same-origin" && sender.fetch_site != "none")
    return true;
  if (sender.origin.empty()) return false;
  const size_t scheme = sender.origin.find("://");
  return scheme == std::string_view::npos || sender.origin.substr(scheme + 3) != host;
}

}  // namespace

bool AdminRequest::Has(std::string_view key) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& entry) { return entry.first == key; });
}

std::string_view AdminRequest::Get(std::string_view key) const {
  for (const auto& [name, value] : query) {
    if (name == key) return value;
  }
  return {};
}

AdminRequest ParseAdminRequest(std::string_view method, std::string_view target) {
  AdminRequest request;
  request.method = method;
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view part = rest.substr(0, end);
    const size_t equals = std::min(part.find('='), part.size());
    std::string value = equals < part.size() ? DecodeQuery(part.substr(equals + 1)) : "";
    if (!part.empty()) request.query.emplace_back(DecodeQuery(part.substr(0, equals)), std::move(value));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return request;
}

AdminReply JsonReply(std::string body) {
  return {200, std::move(body), "application/json"};
}

std::string HtmlEscape(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

AdminHandler::AdminHandler(std::vector<AdminPage> pages, AdminOptions options)
    : pages_(std::move(pages)), options_(std::move(options)) {
  std::sort(pages_.begin(), pages_.end(),
            [](const AdminPage& left, const AdminPage& right) { return left.path < right.path; });
}

AdminReply AdminHandler::Index() const {
  std::string page =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>narthex</title></head><body>\n"
      "<h1>narthex</h1>\n<table>\n";
  for (const AdminPage& entry : pages_) {
    const std::string path = HtmlEscape(entry.path);
    page += "<tr><td>";
    page += entry.changes ? "POST " + path : "<a href=\"" + path.substr(1) + "\">" + path + "</a>";
    page += "</td><td>" + HtmlEscape(entry.about) + "</td></tr>\n";
  }
  return {200, page + "</table>\n</body></html>\n", "text/html; charset=UTF-8"};
}

AdminReply AdminHandler::Dispatch(const AdminRequest& request) const {
  if (request.path == "/" || request.path.empty()) return Index();
  for (const AdminPage& page : pages_) {
    if (page.path != request.path) continue;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (page.changes && request.method != "POST") {
      return {405, "Method Not Allowed: this page changes something; use POST\n"};
    }
    if (!page.changes && !reads && request.method != "POST") return {405, "Method Not Allowed\n"};
    return page.serve(request);
  }
  return {404, "invalid path; the pages are listed at /\n"};
}

AdminReply AdminHandler::Serve(std::string_view method, std::string_view target, std::string_view host,
                               const AdminSender& sender) const {
  if (options_.loopback_only && !IsLocalName(host)) {
    return {403, "Forbidden: ask for this page by an IP address or as localhost\n"};
  }
  if (method != "GET" && method != "HEAD" && IsForeign(sender, host)) {
    return {403, "Forbidden: sent by a page of another site\n"};
  }
  const AdminRequest request = ParseAdminRequest(method, target);
  if (options_.allowed && !options_.allowed(request.path)) {
    return {403, "Forbidden: not among admin.allow_paths\n"};
  }
  return Dispatch(request);
}

void AdminHandler::OnStart(Exchange&) {}

Task<Response> AdminHandler::Handle(Request request) {
  const HeaderMap& headers = request.headers();
  AdminReply reply = Serve(request.method(), request.path(), headers.Get(Header::kAuthority),
                           {headers.Get(Header::kOrigin), headers.Get("sec-fetch-site")});
  Response response(reply.status);
  response.headers().Set(Header::kContentType, reply.content_type);
  response.headers().Set(Header::kCacheControl, "no-cache, max-age=0");
  response.headers().Set("x-content-type-options", "nosniff");
  response.headers().Set(Header::kServer, "narthex");
  if (reply.status == 405) response.headers().Set("allow", "POST");
  if (reply.afterwards) {
    request.info().Hold(std::make_shared<Afterwards>(Afterwards{std::move(reply.afterwards)}));
  }
  response.set_body(Body(std::string_view(reply.body)));
  request.info().response_status = reply.status;
  request.info().response_details = "admin_filter_response";
  co_return response;
}

Response AdminHandler::Refuse(Exchange& exchange, int status, ExchangeError error) {
  exchange.response_status = status;
  exchange.response_details = error.detail;
  exchange.AddFlag(error.flag);
  return LocalReply(status, error.detail, "Bad Request: " + error.detail + "\n");
}

void AdminHandler::OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap* response,
                         const HeaderMap* response_trailers) {
  for (const auto& log : options_.access_logs) {
    log->Log({&exchange, request, response, response_trailers, {}});
  }
}

}  // namespace narthex
