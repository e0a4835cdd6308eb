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
      arrivals_(std::make_unique<Arrivals>(
          loop_, shared_, [this](ArrivedConnection arrived) { Serve(std::move(arrived)); })) {
  books_.reserve(sockets_.size());
  const auto open = shared_.ConnectionsOf(config_->name);
  for (size_t i = 0; i < sockets_.size(); ++i) {
    // Before port 0 got a number: dashboards know the configured address.
    const Address& configured = config_->sockets[i].address;
    books_.push_back({ListenerStats(StatPrefixOf(*config_, configured)), open, config_->access_logs,
                      config_->drains_when_failing});
    acceptors_.push_back(Acceptor::Make(loop_, sockets_[i], config_->max_accepts_per_event,
                                        [this, i](int fd, const Address& peer) { Open(i, fd, peer); }));
  }
}

ActiveListener::~ActiveListener() = default;

bool ActiveListener::SameSockets(const std::vector<std::shared_ptr<ListenSocket>>& sockets) const {
  return sockets_ == sockets;
}

// The configuration may have been replaced while it arrived, and its chain with it.
void ActiveListener::Serve(ArrivedConnection arrived) {
  const FilterChainConfig* chain = &arrived.chain;
  if (arrived.config != config_) chain = config_->FindIdentity(arrived.chain.identity);
  ChainSlot& slot = chain != nullptr && !left_ ? SlotOf(*chain) : LeavingSlotOf(arrived.chain);
  slot.Open(std::move(arrived.stream), arrived.fd, arrived.books, std::move(arrived.facts));
}

ChainSlot& ActiveListener::SlotOf(const FilterChainConfig& chain) {
  std::unique_ptr<ChainSlot>& slot = slots_[chain.identity];
  if (slot == nullptr) slot = MakeChainSlot(loop_, shared_, clusters_, chain);
  return *slot;
}

ChainSlot& ActiveListener::LeavingSlotOf(const FilterChainConfig& chain) {
  const auto found = std::find_if(leaving_.rbegin(), leaving_.rend(), [&](const LeavingSlot& leaving) {
    return leaving.identity == chain.identity;
  });
  if (found != leaving_.rend()) return *found->slot;
  AddLeaving(chain.identity, MakeChainSlot(loop_, shared_, clusters_, chain));
  return *leaving_.back().slot;
}

void ActiveListener::AddLeaving(std::string identity, std::unique_ptr<ChainSlot> slot) {
  slot->Leave();
  leaving_.push_back({std::move(identity), std::move(slot)});
}

void ActiveListener::EraseIdle() {
  std::erase_if(leaving_, [this](LeavingSlot& leaving) {
    if (!leaving.slot->idle()) return false;
    // Behind its last connections, which may have ended in this turn.
    loop_.DeleteLater(std::move(leaving.slot));
    return true;
  });
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
      return IsFull(all >= most ? LimitReached("all listeners have ", all, config_->total_limit_name, most)
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
  return std::any_of(leaving_.begin(), leaving_.end(),
                     [](const LeavingSlot& leaving) { return leaving.slot->CloseIdle(); }) ||
         std::any_of(slots_.begin(), slots_.end(),
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
  for (ListenerBooks& books : books_) {
    books.logs = config_->access_logs;
    books.drains_when_failing = config_->drains_when_failing;
  }
  std::map<std::string_view, const FilterChainConfig*> chains;
  for (const FilterChainConfig* chain : config_->AllChains()) chains.emplace(chain->identity, chain);
  for (auto next = slots_.begin(); next != slots_.end();) {
    const auto entry = next++;
    const auto found = chains.find(entry->first);
    if (found != chains.end() && entry->second->Update(*found->second)) continue;
    AddLeaving(entry->first, std::move(entry->second));
    slots_.erase(entry);
  }
  EraseIdle();
}

void ActiveListener::StopListening() {
  acceptors_.clear();
  sockets_.clear();
}

void ActiveListener::SetAccepting(bool accepting) {
  for (const auto& acceptor : acceptors_) acceptor->SetAccepting(accepting);
}

template <class Act>
void ActiveListener::ForEachSlot(Act act) {
  for (auto& [identity, slot] : slots_) act(*slot);
  for (LeavingSlot& leaving : leaving_) act(*leaving.slot);
}

void ActiveListener::EndLate(const ReducedTimeouts& reduced) {
  arrivals_->EndLate(reduced);
  ForEachSlot([&](ChainSlot& slot) { slot.EndLate(reduced); });
}

void ActiveListener::Weigh(StreamAccounts& accounts) {
  ForEachSlot([&](ChainSlot& slot) { slot.Weigh(accounts); });
}

void ActiveListener::Drain() {
  for (auto& [identity, slot] : slots_) slot->Drain();
}

void ActiveListener::Leave() {
  left_ = true;
  StopListening();
  for (auto& [identity, slot] : slots_) AddLeaving(identity, std::move(slot));
  slots_.clear();
}

void ActiveListener::SendAway() {
  if (!config_->drains_when_failing) return;
  for (auto& [identity, slot] : slots_) slot->SendAway();
}

bool ActiveListener::idle() const {
  return arrivals_->empty() &&
         std::all_of(slots_.begin(), slots_.end(), [](const auto& entry) { return entry.second->idle(); }) &&
         std::all_of(leaving_.begin(), leaving_.end(),
                     [](const LeavingSlot& leaving) { return leaving.slot->idle(); });
}

}  // namespace narthex
