#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/http/exchange.h"
#include "source/http/message.h"
#include "source/manager/access_log_filter.h"
#include "source/router/header_mutation.h"
#include "source/substitution/output_format.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class LocalReplyConfig;
class ResponseMapper;
}  // namespace envoy::extensions::filters::network::http_connection_manager::v3

namespace narthex {

// How the replies look that the gateway makes itself (local_reply_config). Immutable, thread-safe.
class LocalReplyPolicy {
 public:
  using Config = envoy::extensions::filters::network::http_connection_manager::v3::LocalReplyConfig;

  // Null after errors were added to `diagnostics`. Reads the files that the message names.
  static std::shared_ptr<const LocalReplyPolicy> Compile(const Config& config, const ConfigPath& path,
                                                         Diagnostics& diagnostics,
                                                         const RuntimeLookup& runtime = {});

  // Applies the first mapper whose filter matches, then its format or the common one. `body` is the reply's
  // text, before and after. The exchange's response_status is the reply's, and follows it.
  void Rewrite(Exchange& exchange, Response& reply, std::string& body) const;

 private:
  struct Mapper {
    std::unique_ptr<const AccessLogFilter> filter;
    int status = 0;  // 0: as it is
    std::optional<std::string> body;
    std::optional<OutputFormat> format;
    std::shared_ptr<const HeaderMutationLevel> headers;  // null: none
  };

  // All but the filter; false after an error.
  static bool CompileMapper(
      const envoy::extensions::filters::network::http_connection_manager::v3::ResponseMapper& config,
      const ConfigPath& path, Diagnostics& diagnostics, Mapper& mapper);

  std::vector<Mapper> mappers_;
  std::optional<OutputFormat> format_;
};

// Completes a reply that the gateway made itself and whose route's headers it has: `policy` (null: none),
// then for a gRPC request the form that gRPC clients read. Sets the exchange's response_status.
void FinishLocalReply(const LocalReplyPolicy* policy, Exchange& exchange, Response& reply);

}  // namespace narthex
