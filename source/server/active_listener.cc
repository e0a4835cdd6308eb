#include "source/server/active_listener.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/base/log.h"
#include "source/net/descriptor_budget.h"
#include "source/server/arrivals.h"
#include "source/server/chain_slot.h"
#include "source/server/connection_log.h"
#include "source/server/snapshot_parts.h"

namespace narthex {

namespace {

// What tells a chain of one configuration from the others, and finds it again in the next one.
std::string KeyOf(const ListenerConfig& config, const FilterChainConfig& chain) {
  if (!chain.name.empty()) return chain.name;
  if (config.default_chain && &chain == &*config.default_chain) return "default";
  return "#" + std::to_string(&chain - config.chains.data());
}

std::string LimitReached(std::string_view who, uint64_t has, const std::string& key, uint64_t limit) {
  return std::string(who) + std::to_string(has) + ", the limit (" + key + ") is " + std::to_string(limit);
}

}  // namespace

ListenerStats::ListenerStats(const std::string& prefix) {
  StatsStore& store = StatsStore::Process();
  cx_total = store.MakeCounter(prefix + "downstream_cx_total");
  cx_destroy = store.MakeCounter(prefix + "downstream_cx_destroy");
  cx_overflow = store.MakeCounter(prefix + "downstream_cx_overflow");
  global_cx_overflow = store.MakeCounter(prefix + "downstream_global_cx_overflow");
  cx_idle_evicted = store.MakeCounter(prefix + "downstream_cx_idle_evicted");
  no_filter_chain_match = store.MakeCounter(prefix + "no_filter_chain_match");
  pre_cx_timeout = store.MakeCounter(prefix + "downstream_pre_cx_timeout");
  listener_filter_error = store.MakeCounter(prefix + "downstream_listener_filter_error");
  listener_filter_remote_close = store.MakeCounter(prefix + "downstream_listener_filter_remote_close");
  cx_transport_socket_connect_timeout =
      store.MakeCounter(prefix + "downstream_cx_transport_socket_connect_timeout");
  cx_active = store.MakeGauge(prefix + "downstream_cx_active");
  pre_cx_active = store.MakeGauge(prefix + "downstream_pre_cx_active");
  cx_length_ms = store.MakeHistogram(prefix + "downstream_cx_length_ms");
}

void ListenerBooks::CountOpened(WorkerShared& shared) const {
  open->fetch_add(1, std::memory_order_relaxed);
  shared.CountOpened();
  stats.cx_total.Add();
  stats.cx_active.Add(1);
}

void ListenerBooks::CountEnded(WorkerShared& shared, uint64_t length_ms) const {
  open->fetch_sub(1, std::memory_order_relaxed);
  shared.CountEnded();
  stats.cx_active.Sub(1);
  stats.cx_destroy.Add();
  stats.cx_length_ms.Record(length_ms);
}

void WorkerShared::CountOpened() {
  connections.fetch_add(1, std::memory_order_relaxed);
  DescriptorBudget::Process().CountClient(1);
}

void WorkerShared::CountEnded() {
  connections.fetch_sub(1, std::memory_order_relaxed);
  DescriptorBudget::Process().CountClient(-1);
}

std::shared_ptr<std::atomic<uint64_t>> WorkerShared::ConnectionsOf(const std::string& listener) {
  std::lock_guard lock(mutex_);
  std::weak_ptr<std::atomic<uint64_t>>& known = by_listener_[listener];
  std::shared_ptr<std::atomic<uint64_t>> count = known.lock();
  if (count == nullptr) known = count = std::make_shared<std::atomic<uint64_t>>(0);
  return count;
}

ActiveListener::ActiveListener(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                               std::shared_ptr<const ListenerConfig> config,
                               std::vector<std::shared_ptr<ListenSocket>> sockets,
                               std::function<bool()> make_room)
    : loop_(loop),
      shared_(shared),
      clusters_(clusters),
      config_(std::move(config)),
      sockets_(std::move(sockets)),
      make_room_(std::move(make_room)),
      arrivals_(std::make_unique<Arrivals>(loop_, shared_, [this](ArrivedConnection arrived) {
        SlotOf(*arrived.config, arrived.chain)
            .Open(std::move(arrived.stream), arrived.fd, arrived.books, std::move(arrived.facts));
      })) {
  books_.reserve(sockets_.size());
  const auto open = shared_.ConnectionsOf(config_->name);
  for (size_t i = 0; i < sockets_.size(); ++i) {
    // Before port 0 got a number: dashboards know the configured address.
    const Address& configured = config_->sockets[i].address;
    books_.push_back({ListenerStats(StatPrefixOf(*config_, configured)), open, config_->access_logs});
    acceptors_.push_back(Acceptor::Make(loop_, sockets_[i], config_->max_accepts_per_event,
                                        [this, i](int fd, const Address& peer) { Open(i, fd, peer); }));
  }
}

ActiveListener::~ActiveListener() = default;

bool ActiveListener::SameSockets(const std::vector<std::shared_ptr<ListenSocket>>& sockets) const {
  return sockets_ == sockets;
}

ChainSlot& ActiveListener::SlotOf(const ListenerConfig& config, const FilterChainConfig& chain) {
  std::unique_ptr<ChainSlot>& slot = slots_[KeyOf(config, chain)];
  if (slot == nullptr) slot = MakeChainSlot(loop_, shared_, clusters_, chain);
  return *slot;
}

bool ActiveListener::HasRoom(const ListenerBooks& books) {
  const uint64_t mine = books.open->load(std::memory_order_relaxed);
  if (mine >= config_->max_connections) {
    if (!CloseIdle()) {
      books.stats.cx_overflow.Add();
      return IsFull(
          LimitReached("it has ", mine, ListenerConnectionsKey(config_->name), config_->max_connections));
    }
    books.stats.cx_idle_evicted.Add();
  }
  const uint64_t all = shared_.connections.load(std::memory_order_relaxed);
  const uint64_t most = shared_.max_connections.load(std::memory_order_relaxed);
  const DescriptorBudget& files = DescriptorBudget::Process();
  if (all >= most || !files.RoomForClient()) {
    if (!make_room_()) {
      books.stats.global_cx_overflow.Add();
      return IsFull(all >= most ? LimitReached("all listeners have ", all, std::string(kConnectionsKey), most)
                                : files.Account());
    }
    books.stats.cx_idle_evicted.Add();
  }
  full_ = false;
  return true;
}

bool ActiveListener::IsFull(const std::string& why) {
  // Once, until there is room again.
  if (!std::exchange(full_, true)) {
    NARTHEX_LOG(kWarning, "listener") << "listener " << config_->name << " closes new connections: " << why;
  }
  return false;
}

bool ActiveListener::CloseIdle() {
  if (arrivals_->CloseOldest()) return true;
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const auto& entry) { return entry.second->CloseIdle(); });
}

void ActiveListener::Open(size_t socket, int fd, const Address& peer) {
  const ListenerBooks& books = books_[socket];
  if (!HasRoom(books)) {
    close(fd);
    return;
  }
  ConnectionFacts facts;
  facts.id = shared_.next_connection_id.fetch_add(1, std::memory_order_relaxed);
  facts.remote = peer;
  facts.local = Address::LocalOf(fd);
  arrivals_->Take(config_, books, fd, std::move(facts));
}

void ActiveListener::Update(std::shared_ptr<const ListenerConfig> config) {
  config_ = std::move(config);
  for (ListenerBooks& books : books_) books.logs = config_->access_logs;
  std::map<std::string, const FilterChainConfig*> chains;
  for (const FilterChainConfig& chain : config_->chains) chains[KeyOf(*config_, chain)] = &chain;
  if (config_->default_chain) chains[KeyOf(*config_, *config_->default_chain)] = &*config_->default_chain;
  for (auto& [key, slot] : slots_) {
    const auto found = chains.find(key);
    if (found != chains.end()) {
      if (!slot->Update(*found->second)) Replace(slot, *found->second);
    } else {
      slot->Drain();
    }
  }
  std::erase_if(replaced_, [](const auto& slot) { return slot->idle(); });
}

void ActiveListener::Replace(std::unique_ptr<ChainSlot>& slot, const FilterChainConfig& chain) {
  slot->Drain();
  replaced_.push_back(std::move(slot));
  slot = MakeChainSlot(loop_, shared_, clusters_, chain);
}

void ActiveListener::StopListening() {
  acceptors_.clear();
  sockets_.clear();
}

void ActiveListener::Drain() {
  for (auto& [key, slot] : slots_) slot->Drain();
  for (auto& slot : replaced_) slot->Drain();
}

bool ActiveListener::idle() const {
  return arrivals_->empty() &&
         std::all_of(slots_.begin(), slots_.end(), [](const auto& entry) { return entry.second->idle(); }) &&
         std::all_of(replaced_.begin(), replaced_.end(), [](const auto& slot) { return slot->idle(); });
}

}  // namespace narthex
