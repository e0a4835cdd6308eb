#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/message.h"
#include "source/http/server_codec.h"
#include "source/manager/access_log.h"

namespace narthex {

// A request to an admin page: the path without its query, and the query decoded.
struct AdminRequest {
  std::string method;
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;

  bool Has(std::string_view key) const;
  // The first value of `key`; empty when there is none.
  std::string_view Get(std::string_view key) const;
};
AdminRequest ParseAdminRequest(std::string_view method, std::string_view target);

struct AdminReply {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=UTF-8";
  // Done once the reply has been sent, or could not be: how /quitquitquit answers before it acts.
  std::function<void()> afterwards = {};
};
AdminReply JsonReply(std::string body);

// One page. `serve` runs on the main loop and must not block.
struct AdminPage {
  std::string_view path;
  std::string_view about;  // one line for the list of pages
  bool changes;            // only by POST
  std::function<AdminReply(const AdminRequest& request)> serve;
};

struct AdminOptions {
  // Bound to a loopback address: only requests whose Host is an IP address or localhost are served, so that a
  // page in a browser cannot reach this one through a name of its own (DNS rebinding).
  bool loopback_only = true;
  // Which paths exist; null: all.
  std::function<bool(std::string_view path)> allowed = {};
  std::vector<std::shared_ptr<const AccessLog>> access_logs = {};
};

// What a browser says of the page that sent a request; empty from everything else.
struct AdminSender {
  std::string_view origin;
  std::string_view fetch_site;  // Sec-Fetch-Site
};

// Serves the pages over any codec. Loop-confined to the main loop.
class AdminHandler : public RequestHandler {
 public:
  AdminHandler(std::vector<AdminPage> pages, AdminOptions options);

  // For requests from now on; the logs also for those under way.
  void SetOptions(AdminOptions options) { options_ = std::move(options); }
  // The reply to a request, without a connection.
  AdminReply Serve(std::string_view method, std::string_view target, std::string_view host,
                   const AdminSender& sender = {}) const;

  void OnStart(Exchange& exchange) override;
  Task<Response> Handle(Request request) override;
  Response Refuse(Exchange& exchange, int status, ExchangeError error) override;
  void OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap* response,
             const HeaderMap* response_trailers) override;

 private:
  AdminReply Index() const;
  AdminReply Dispatch(const AdminRequest& request) const;

  std::vector<AdminPage> pages_;
  AdminOptions options_;
};

// The text with &, <, >, " and ' escaped.
std::string HtmlEscape(std::string_view text);

}  // namespace narthex
