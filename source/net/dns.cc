#include "source/net/dns.h"

#include <ares.h>
#include <netdb.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <climits>
#include <map>
#include <utility>

#include "source/coro/event.h"

namespace narthex {

namespace {

// One lookup of one family. Shared by the coroutine that waits and the library that answers, of which either
// may be gone first.
struct Query {
  std::string name;
  DnsResult result = absl::CancelledError("not answered");
  Event done;
};

DnsResult ReadAnswer(const std::string& name, int status, const ares_addrinfo* answer) {
  if (status != ARES_SUCCESS) {
    const std::string text = name + ": " + ares_strerror(status);
    const bool absent = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    return absent ? absl::NotFoundError(text) : absl::UnavailableError(text);
  }
  DnsAddresses found;
  std::vector<std::pair<std::string, Address>> sorted;
  int ttl = INT_MAX;
  for (const ares_addrinfo_node* node = answer->nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    Address address = Address::FromSockaddr(node->ai_addr, node->ai_addrlen);
    ttl = std::min(ttl, node->ai_ttl);
    std::string key = address.IpString();
    sorted.emplace_back(std::move(key), address.WithPort(0));
  }
  if (sorted.empty()) return absl::NotFoundError(name + ": no addresses");
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [key, address] : sorted) {
    if (found.addresses.empty() || !(found.addresses.back() == address)) found.addresses.push_back(address);
  }
  found.ttl = std::chrono::seconds(std::max(ttl, 0));
  return found;
}

class CaresResolver final : public DnsResolver {
 public:
  explicit CaresResolver(EventLoop& loop)
      : loop_(loop),
        timer_(
            loop.wheel(), [](void* self) { static_cast<CaresResolver*>(self)->Process(ARES_SOCKET_BAD, {}); },
            this),
        self_(std::make_shared<CaresResolver*>(this)) {}

  ~CaresResolver() override {
    self_.reset();
    // Answers every open query with ARES_EDESTRUCTION and closes the sockets through OnSocketState.
    if (channel_ != nullptr) ares_destroy(channel_);
  }

  absl::Status Start(const DnsResolverOptions& options);
  Task<DnsResult> Resolve(std::string name, DnsFamily family) override;

 private:
  // A socket of the library, registered with the loop for as long as the library cares for it.
  class Socket final : public IoHandler {
   public:
    Socket(CaresResolver& resolver, int fd)
        : resolver_(resolver), fd_(fd), registration_(resolver.loop_.Register(fd, *this)) {}
    void OnReady(IoReadiness readiness) override { resolver_.Process(fd_, readiness); }
    // The library closes the descriptor next.
    void Unregister() { registration_.reset(); }

   private:
    CaresResolver& resolver_;
    const int fd_;
    std::unique_ptr<IoRegistration> registration_;
  };

  static void OnSocketState(void* self, ares_socket_t fd, int readable, int writable);
  static void OnAnswer(void* query, int status, int timeouts, ares_addrinfo* answer);
  Task<DnsResult> Lookup(std::string name, int family);
  void Process(ares_socket_t fd, IoReadiness readiness);
  void ArmTimer();
  void PostWrite(ares_socket_t fd);

  EventLoop& loop_;
  Timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
  // Queries that the library has not answered, and the resolver for its callback.
  struct Open {
    CaresResolver& resolver;
    std::shared_ptr<Query> query;
  };
  std::map<Query*, Open> open_;
  std::shared_ptr<CaresResolver*> self_;  // for posted work: expired once this is gone
};

absl::Status StatusOf(int code) {
  return code == ARES_SUCCESS ? absl::OkStatus()
                              : absl::InternalError(std::string("c-ares: ") + ares_strerror(code));
}

absl::Status CaresResolver::Start(const DnsResolverOptions& options) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (absl::Status status = StatusOf(library); !status.ok()) return status;
  ares_options settings = {};
  settings.flags =
      (options.use_tcp ? ARES_FLAG_USEVC : 0) | (options.search_domains ? 0 : ARES_FLAG_NOSEARCH);
  settings.timeout = static_cast<int>(options.query_timeout.count());
  settings.tries = static_cast<int>(options.tries);
  settings.sock_state_cb = &OnSocketState;
  settings.sock_state_cb_data = this;
  char files_first[] = "fb";
  settings.lookups = files_first;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
  if (settings.flags != 0) mask |= ARES_OPT_FLAGS;
  mask |= options.rotate_servers ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE;
  if (absl::Status status = StatusOf(ares_init_options(&channel_, &settings, mask)); !status.ok())
    return status;
  if (options.servers.empty()) return absl::OkStatus();
  std::string list;
  for (const std::string& server : options.servers) list += (list.empty() ? "" : ",") + server;
  return StatusOf(ares_set_servers_ports_csv(channel_, list.c_str()));
}

Task<DnsResult> CaresResolver::Resolve(std::string name, DnsFamily family) {
  if (family == DnsFamily::kAll) co_return co_await Lookup(std::move(name), AF_UNSPEC);
  const bool v4_first = family == DnsFamily::kV4Only || family == DnsFamily::kV4Preferred;
  DnsResult result = co_await Lookup(name, v4_first ? AF_INET : AF_INET6);
  const bool only = family == DnsFamily::kV4Only || family == DnsFamily::kV6Only;
  if (result.ok() || only) co_return result;
  co_return co_await Lookup(std::move(name), v4_first ? AF_INET6 : AF_INET);
}

Task<DnsResult> CaresResolver::Lookup(std::string name, int family) {
  auto query = std::make_shared<Query>();
  query->name = std::move(name);
  const auto [entry, added] = open_.emplace(query.get(), Open{*this, query});
  ares_addrinfo_hints hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel_, query->name.c_str(), nullptr, &hints, &OnAnswer, &entry->second);
  ArmTimer();
  co_await query->done.Wait();
  co_return std::move(query->result);
}

// Inside the library, perhaps inside its destruction: the waiting coroutine goes on in the loop's next turn.
void CaresResolver::OnAnswer(void* open, int status, int, ares_addrinfo* answer) {
  CaresResolver& resolver = static_cast<Open*>(open)->resolver;
  const std::shared_ptr<Query> query = static_cast<Open*>(open)->query;
  resolver.open_.erase(query.get());
  query->result = ReadAnswer(query->name, status, answer);
  if (answer != nullptr) ares_freeaddrinfo(answer);
  if (status != ARES_EDESTRUCTION) resolver.loop_.Post([query] { query->done.Set(); });
}

void CaresResolver::OnSocketState(void* self, ares_socket_t fd, int readable, int writable) {
  auto* resolver = static_cast<CaresResolver*>(self);
  std::unique_ptr<Socket>& socket = resolver->sockets_[fd];
  if (readable == 0 && writable == 0) {
    if (socket != nullptr) {
      socket->Unregister();
      resolver->loop_.DeleteLater(std::move(socket));  // it may be the one that is being handled
    }
    resolver->sockets_.erase(fd);
    return;
  }
  const bool known = socket != nullptr;
  if (!known) socket = std::make_unique<Socket>(*resolver, fd);
  // A socket that has been writable all along brings no edge.
  if (known && writable != 0) resolver->PostWrite(fd);
}

void CaresResolver::PostWrite(ares_socket_t fd) {
  loop_.Post([self = std::weak_ptr<CaresResolver*>(self_), fd] {
    const std::shared_ptr<CaresResolver*> resolver = self.lock();
    if (resolver != nullptr && (*resolver)->sockets_.contains(fd))
      (*resolver)->Process(fd, {false, true, false});
  });
}

void CaresResolver::Process(ares_socket_t fd, IoReadiness readiness) {
  const bool read = readiness.readable || readiness.closed;
  ares_process_fd(channel_, read ? fd : ARES_SOCKET_BAD, readiness.writable ? fd : ARES_SOCKET_BAD);
  // Over TCP the library reads a part at a time, and there is no second edge for the rest.
  constexpr int kMostParts = 1000;
  for (int part = 0; read && part < kMostParts && sockets_.contains(fd); ++part) {
    int left = 0;
    if (ioctl(fd, FIONREAD, &left) != 0 || left == 0) break;
    ares_process_fd(channel_, fd, ARES_SOCKET_BAD);
  }
  ArmTimer();
}

void CaresResolver::ArmTimer() {
  timeval wait = {};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) return timer_.Cancel();
  timer_.Arm(std::chrono::milliseconds(wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DnsResolver>> MakeDnsResolver(EventLoop& loop,
                                                             const DnsResolverOptions& options) {
  auto resolver = std::make_unique<CaresResolver>(loop);
  if (absl::Status status = resolver->Start(options); !status.ok()) return status;
  return resolver;
}

}  // namespace narthex
