#include <string>

#include "gtest/gtest.h"
#include "source/upstream/balancer/hash_ring.h"
#include "source/upstream/balancer/hashes.h"
#include "source/upstream/balancer/maglev_table.h"

// What Envoy 1.40 chose, for the same hosts and the same keys: record_envoy_choices.py asks it.
namespace narthex {
namespace {

// Five hosts by the hash_key "host-0" and on; of each of the keys "key0" to "key199" the host that it goes
// to.
constexpr char kRing[] =
    "0024004431304001334433342240202331301014342144004313224230022142421303202113134433330424004333313233"
    "2112224122114400331431423100010333424014133002100123222122022013102441221043142323233341123001120244";
constexpr char kMurmurRing[] =
    "1420323342123423010042412400133414101120042100112014223023343314122130340312004101043133310004124213"
    "0230231013114023334330033330041141003244123133312033423001103333034101322100244401043121434123141041";
constexpr char kWeightedRing[] =
    "4422044244432324333442344324121443343442442344434302424233022224240444443423234314334204044231344434"
    "1442144024434320023424424301434343213400144444433420014442413442302033443422343314334423442334223244";
constexpr char kMaglev[] =
    "3341432112342133040411303213232402220111032313402041344424201343330413203440242431330120201022340432"
    "2041320114442042102332032100132221140400234103140232101020432431300440421410443210201430043114341034";
constexpr char kWeightedMaglev[] =
    "1344411444242422212321343131132440331144442134041343404110442414414320433333340214422423403441430424"
    "3144442344423234431334424433324344343340034213441401412144143433344434444344342344443444444442243443";

std::vector<HashedHost> Hosts(const std::vector<double>& weights) {
  static const std::string kNames[] = {"host-0", "host-1", "host-2", "host-3", "host-4"};
  double sum = 0;
  for (const double weight : weights) sum += weight;
  std::vector<HashedHost> hosts;
  for (size_t i = 0; i < weights.size(); ++i) hosts.push_back({kNames[i], weights[i] / sum});
  return hosts;
}

template <class Table>
std::string Choices(const Table& table) {
  std::string choices;
  for (int key = 0; key < 200; ++key) {
    choices += static_cast<char>('0' + table.Find(XxHash64("key" + std::to_string(key))));
  }
  return choices;
}

TEST(EnvoyChoices, RingsAreTheSame) {
  EXPECT_EQ(Choices(HashRing(Hosts({1, 1, 1, 1, 1}), {})), kRing);
  EXPECT_EQ(Choices(HashRing(Hosts({1, 1, 1, 1, 1}), {RingHashFunction::kMurmurHash2, 300})), kMurmurRing);
  EXPECT_EQ(Choices(HashRing(Hosts({1, 2, 3, 5, 8}), {RingHashFunction::kXxHash, 64, 100})), kWeightedRing);
}

TEST(EnvoyChoices, MaglevTablesAreTheSame) {
  EXPECT_EQ(Choices(MaglevTable(Hosts({1, 1, 1, 1, 1}), MaglevTable::kDefaultSize)), kMaglev);
  EXPECT_EQ(Choices(MaglevTable(Hosts({1, 2, 3, 5, 8}), 251)), kWeightedMaglev);
}

}  // namespace
}  // namespace narthex
