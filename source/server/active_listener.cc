#include "source/server/active_listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/server/chain_slot.h"

namespace narthex {

namespace {

// Envoy's spelling of an address in a statistic's name.
std::string StatPrefixOf(const ListenerConfig& config, const Address& address) {
  std::string name = config.stat_prefix.empty() ? address.ToString() : config.stat_prefix;
  std::replace(name.begin(), name.end(), ':', '_');
  return "listener." + name + ".";
}

// What tells a chain of one configuration from the others, and finds it again in the next one.
std::string KeyOf(const ListenerConfig& config, const FilterChainConfig& chain) {
  if (!chain.name.empty()) return chain.name;
  if (config.default_chain && &chain == &*config.default_chain) return "default";
  return "#" + std::to_string(&chain - config.chains.data());
}

Address LocalAddress(int fd) {
  sockaddr_storage local = {};
  socklen_t length = sizeof local;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) != 0) return {};
  return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&local), length);
}

}  // namespace

ListenerStats::ListenerStats(const std::string& prefix) {
  StatsStore& store = StatsStore::Process();
  cx_total = store.MakeCounter(prefix + "downstream_cx_total");
  cx_destroy = store.MakeCounter(prefix + "downstream_cx_destroy");
  cx_overflow = store.MakeCounter(prefix + "downstream_global_cx_overflow");
  no_filter_chain_match = store.MakeCounter(prefix + "no_filter_chain_match");
  cx_active = store.MakeGauge(prefix + "downstream_cx_active");
}

ActiveListener::ActiveListener(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                               std::shared_ptr<const ListenerConfig> config,
                               std::vector<std::shared_ptr<ListenSocket>> sockets)
    : loop_(loop),
      shared_(shared),
      clusters_(clusters),
      config_(std::move(config)),
      sockets_(std::move(sockets)) {
  stats_.reserve(sockets_.size());
  for (size_t i = 0; i < sockets_.size(); ++i) {
    // Before port 0 got a number: dashboards know the configured address.
    const Address& configured = config_->sockets[i].address;
    stats_.emplace_back(StatPrefixOf(*config_, configured));
    acceptors_.push_back(Acceptor::Make(loop_, sockets_[i], config_->max_accepts_per_event,
                                        [this, i](int fd, const Address& peer) { Open(i, fd, peer); }));
  }
}

ActiveListener::~ActiveListener() = default;

bool ActiveListener::SameSockets(const std::vector<std::shared_ptr<ListenSocket>>& sockets) const {
  return sockets_ == sockets;
}

ChainSlot& ActiveListener::SlotOf(const FilterChainConfig& chain) {
  std::unique_ptr<ChainSlot>& slot = slots_[KeyOf(*config_, chain)];
  if (slot == nullptr) slot = std::make_unique<ChainSlot>(loop_, shared_, clusters_, chain.hcm);
  return *slot;
}

void ActiveListener::Open(size_t socket, int fd, const Address& peer) {
  const ListenerStats& stats = stats_[socket];
  if (shared_.connections.load(std::memory_order_relaxed) >=
      shared_.max_connections.load(std::memory_order_relaxed)) {
    stats.cx_overflow.Add();
    close(fd);
    return;
  }
  ConnectionFacts facts;
  facts.id = shared_.next_connection_id.fetch_add(1, std::memory_order_relaxed);
  facts.remote = peer;
  facts.local = LocalAddress(fd);
  const FilterChainConfig* chain = config_->FindChain({facts.local, facts.remote});
  if (chain == nullptr) {
    stats.no_filter_chain_match.Add();
    close(fd);
    return;
  }
  SlotOf(*chain).Open(fd, stats, std::move(facts));
}

void ActiveListener::Update(std::shared_ptr<const ListenerConfig> config) {
  config_ = std::move(config);
  std::map<std::string, const FilterChainConfig*> chains;
  for (const FilterChainConfig& chain : config_->chains) chains[KeyOf(*config_, chain)] = &chain;
  if (config_->default_chain) chains[KeyOf(*config_, *config_->default_chain)] = &*config_->default_chain;
  for (auto& [key, slot] : slots_) {
    const auto found = chains.find(key);
    if (found != chains.end()) {
      slot->Update(found->second->hcm);
    } else {
      slot->Drain();
    }
  }
}

void ActiveListener::StopListening() {
  acceptors_.clear();
  sockets_.clear();
}

void ActiveListener::Drain() {
  for (auto& [key, slot] : slots_) slot->Drain();
}

bool ActiveListener::idle() const {
  return std::all_of(slots_.begin(), slots_.end(), [](const auto& entry) { return entry.second->idle(); });
}

}  // namespace narthex
