#include "source/upstream/errands.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

class Noted final : public Errand {
 public:
  Noted(int number, std::set<int>& alive) : number_(number), alive_(alive) { alive_.insert(number_); }
  ~Noted() override { alive_.erase(number_); }

 private:
  const int number_;
  std::set<int>& alive_;
};

TEST(Errands, EndInAnyOrderAndAllAtLast) {
  std::set<int> alive;
  {
    Errands errands;
    std::vector<Noted*> noted;
    for (int i = 0; i < 5; ++i) {
      auto errand = std::make_unique<Noted>(i, alive);
      noted.push_back(errand.get());
      errands.Add(std::move(errand));
    }
    errands.End(*noted[1]);
    errands.End(*noted[4]);
    EXPECT_EQ(alive, (std::set<int>{0, 2, 3}));
    errands.End(*noted[3]);
    errands.End(*noted[0]);
    EXPECT_EQ(alive, std::set<int>{2});
    EXPECT_EQ(errands.size(), 1u);
  }
  EXPECT_TRUE(alive.empty());
}

}  // namespace
}  // namespace narthex
