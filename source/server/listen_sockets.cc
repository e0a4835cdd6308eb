#include "source/server/listen_sockets.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace narthex {

namespace {

// Accepted connections inherit these on Linux, so one call at the listener serves all.
absl::Status SetOptions(int fd, const SocketConfig& config, ListenOptions::Stage stage) {
  const auto set = [fd](int level, int name, const void* value, size_t length) {
    return setsockopt(fd, level, name, value, static_cast<socklen_t>(length)) == 0;
  };
  for (const SocketOptionConfig& option : config.options) {
    if (option.stage != stage) continue;
    if (set(option.level, option.name, option.value.data(), option.value.size())) continue;
    return absl::InvalidArgumentError("cannot set socket option " + std::to_string(option.level) + "/" +
                                      std::to_string(option.name) + ": " + std::strerror(errno));
  }
  if (stage != ListenOptions::Stage::kPrebind || !config.keepalive || !config.address.is_ip()) {
    return absl::OkStatus();
  }
  const int on = 1;
  set(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const auto set_number = [&](int name, const std::optional<uint32_t>& number) {
    const int value = static_cast<int>(number.value_or(0));
    if (number) set(IPPROTO_TCP, name, &value, sizeof value);
  };
  set_number(TCP_KEEPCNT, config.keepalive->probes);
  set_number(TCP_KEEPIDLE, config.keepalive->time_seconds);
  set_number(TCP_KEEPINTVL, config.keepalive->interval_seconds);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<ListenSocket>> BindOne(const SocketConfig& config, const Address& address,
                                                      bool reuse_port) {
  ListenOptions options;
  options.reuse_port = reuse_port;
  options.backlog = config.backlog;
  options.ipv4_compat = config.ipv4_compat;
  options.unix_mode = config.mode;
  options.configure = [&config](int fd, ListenOptions::Stage stage) { return SetOptions(fd, config, stage); };
  absl::StatusOr<std::unique_ptr<ListenSocket>> socket = ListenSocket::Bind(address, options);
  if (!socket.ok()) return socket.status();
  return std::shared_ptr<ListenSocket>(*std::move(socket));
}

bool IsForEachWorker(const SocketConfig& config) {
  return config.reuse_port && config.address.is_ip();
}

absl::StatusOr<BoundAddress> BindAll(const std::string& listener, const SocketConfig& config,
                                     uint32_t workers) {
  BoundAddress bound{listener, config, {}};
  const bool each = IsForEachWorker(config);
  Address address = config.address;
  for (uint32_t worker = 0; worker < workers; ++worker) {
    if (worker > 0 && !each) {
      bound.sockets.push_back(bound.sockets[0]);
      continue;
    }
    absl::StatusOr<std::shared_ptr<ListenSocket>> socket = BindOne(config, address, each);
    if (!socket.ok()) return socket.status();
    bound.sockets.push_back(*std::move(socket));
    // Port 0: the kernel chooses once, and the other workers share the choice.
    address = bound.sockets[0]->address();
  }
  return bound;
}

// What was done to a socket before it was bound stays done.
absl::Status CheckSameSetup(const SocketConfig& before, const SocketConfig& after) {
  constexpr std::string_view kRemedy =
      " cannot change while the address stays and its socket is shared by all workers; start the process "
      "anew, or "
      "choose another address";
  std::string_view what;
  if (IsForEachWorker(before) != IsForEachWorker(after)) what = "enable_reuse_port";
  if (before.options != after.options) what = "socket_options";
  if (before.keepalive != after.keepalive) what = "tcp_keepalive";
  if (before.ipv4_compat != after.ipv4_compat) what = "ipv4_compat";
  if (what.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(what) + std::string(kRemedy));
}

// The one socket of `before` for all workers of another listener.
absl::StatusOr<BoundAddress> HandOver(const BoundAddress& before, const std::string& listener,
                                      const SocketConfig& config) {
  absl::Status same = CheckSameSetup(before.config, config);
  if (!same.ok()) return same;
  absl::StatusOr<std::unique_ptr<ListenSocket>> socket = ListenSocket::Duplicate(*before.sockets[0]);
  if (!socket.ok()) return socket.status();
  const std::shared_ptr<ListenSocket> shared = *std::move(socket);
  return BoundAddress{listener, config, std::vector(before.sockets.size(), shared)};
}

absl::Status At(const ListenerConfig& listener, const absl::Status& status) {
  if (status.ok()) return status;
  const auto text = status.message();
  return ErrorAt(listener.origin, std::string(text.data(), text.size()));
}

}  // namespace

const BoundAddress* ListenSockets::FindAddress(const Address& address) const {
  for (const BoundAddress& bound : bound_) {
    if (bound.bound() == address) return &bound;
  }
  return nullptr;
}

const BoundAddress* ListenSockets::Find(const std::string& listener, const SocketConfig& config) const {
  for (const BoundAddress& bound : bound_) {
    if (bound.listener == listener && bound.config == config) return &bound;
  }
  return nullptr;
}

absl::StatusOr<ListenSockets> ListenSockets::Bind(const Snapshot& snapshot, uint32_t workers,
                                                  const ListenSockets& current) {
  ListenSockets next;
  std::vector<std::pair<size_t, const ListenerConfig*>> handed_over;
  for (const auto& listener : snapshot.listeners) {
    for (const SocketConfig& config : listener->sockets) {
      if (const BoundAddress* kept = current.Find(listener->name, config)) {
        next.bound_.push_back(*kept);
        continue;
      }
      const BoundAddress* before = current.FindAddress(config.address);
      const bool shared = before != nullptr && !(IsForEachWorker(before->config) && IsForEachWorker(config));
      if (shared) handed_over.emplace_back(next.bound_.size(), listener.get());
      absl::StatusOr<BoundAddress> bound =
          shared ? HandOver(*before, listener->name, config) : BindAll(listener->name, config, workers);
      if (!bound.ok()) return At(*listener, bound.status());
      next.bound_.push_back(*std::move(bound));
    }
  }
  // Last, for it is the present listener's socket as well.
  for (const auto& [place, listener] : handed_over) {
    const BoundAddress& bound = next.bound_[place];
    absl::Status changed = bound.sockets[0]->Change(bound.config.backlog, bound.config.mode);
    if (!changed.ok()) return At(*listener, changed);
  }
  return next;
}

std::vector<WorkerListener> ListenSockets::ForWorker(const Snapshot& snapshot, uint32_t worker) const {
  std::vector<WorkerListener> listeners;
  size_t at = 0;
  for (const auto& listener : snapshot.listeners) {
    WorkerListener mine{listener, {}};
    for (size_t i = 0; i < listener->sockets.size(); ++i) {
      mine.sockets.push_back(bound_[at++].sockets[worker]);
    }
    listeners.push_back(std::move(mine));
  }
  return listeners;
}

}  // namespace narthex
