#include "proxy/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace tidegate::proxy {
namespace {

const ClientName kNames[] = {
    {0, {0, 1}}, {1, {7, 0xffffffff}}, {kWorkersMax - 1, {kClientSlotsMax - 1, 0x80000000}}};

TEST(Ids, AWaiterNamesItsClient) {
  for (const auto& name : kNames) {
    const auto again = client_of(waiter_of(name));
    EXPECT_EQ(again.worker, name.worker);
    EXPECT_EQ(again.id, name.id);
  }
}

TEST(Ids, SlotsThatAreUsedAgainAreOtherWaiters) {
  EXPECT_NE(waiter_of({3, {5, 1}}), waiter_of({3, {5, 2}}));
  EXPECT_NE(waiter_of({3, {5, 1}}), waiter_of({4, {5, 1}}));
}

TEST(Ids, AProcessIdLeadsBackToItsSlot) {
  for (const auto& name : kNames) {
    const auto pid = cancel_pid_of(name);
    EXPECT_GT(static_cast<std::int32_t>(pid), 0);
    const auto target = cancel_target_of(pid);
    ASSERT_TRUE(target.has_value());
    EXPECT_EQ(target->worker, name.worker);
    EXPECT_EQ(target->slot, name.id.slot);
  }
}

TEST(Ids, AProcessIdIsNoneOfLinuxAndNotGivenAgainSoon) {
  std::set<std::uint32_t> given;
  for (std::uint32_t generation = 1; generation <= kLivesMax; ++generation) {
    const auto pid = cancel_pid_of({0, {0, generation}});
    EXPECT_GT(pid, 1u << 22);
    EXPECT_TRUE(given.insert(pid).second) << pid;
  }
}

TEST(Ids, ProcessIdsThatNobodyWasToldLeadNowhere) {
  for (const std::uint32_t pid : {0u, 1u << 24, (1u << 27) - 1, 0x80000001u, 0xffffffffu}) {
    EXPECT_FALSE(cancel_target_of(pid).has_value()) << pid;
  }
}

}  // namespace
}  // namespace tidegate::proxy
