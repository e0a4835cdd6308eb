#pragma once

#include <array>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "source/upstream/pool.h"

namespace narthex {

// The hosts of a cluster as one worker uses them: for each that was ever chosen the worker's part in it, and
// a pool for each kind of connection that requests asked for. Loop-confined.
class HostPools {
 public:
  explicit HostPools(PoolContext& context) : context_(context) {}

  // Chosen are these from now on. Pools of others are drained.
  void SetHosts(const HostSet& hosts);
  // REQUIRES: `host` is of the present set.
  const WorkerHost& PartIn(Host& host) { return EntryOf(host).part; }
  Pool& PoolOf(Host& host, PoolTraits traits);

  // See Pool.
  void RetireConnections();
  void Drain();
  // Closes an idle connection that only some requests may have; false when there is none.
  bool MakeRoom();

  // `pool` has become empty and is not kept without connections: the next Sweep, from the loop, destroys it.
  void NoteEmpty(Pool& pool) { emptied_.insert(&pool); }
  void Sweep();
  // No pool has connections or is waited for.
  bool idle() const;

 private:
  struct Entry {
    explicit Entry(std::shared_ptr<Host> host) : part(std::move(host)) {}
    WorkerHost part;
    std::array<std::unique_ptr<Pool>, 3> for_all;  // by protocol; nearly always one
    absl::flat_hash_map<PoolTraits, std::unique_ptr<Pool>> for_some;
  };
  Entry& EntryOf(Host& host);
  template <class F>
  void ForEach(F visit) const;

  PoolContext& context_;
  absl::flat_hash_map<const Host*, Entry> entries_;
  absl::flat_hash_map<const Pool*, std::unique_ptr<Pool>> draining_;  // of hosts that are gone
  absl::flat_hash_set<Pool*> emptied_;
};

}  // namespace narthex
