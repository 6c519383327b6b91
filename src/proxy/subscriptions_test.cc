#include "proxy/subscriptions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidegate::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Subscriber subscriber(WorkerIndex worker, std::uint32_t slot) {
  return {worker, ClientId{slot, 1}};
}

TEST(Subscriptions, TheFirstAndTheLastOfAChannelAreTold) {
  Subscriptions all;
  EXPECT_TRUE(all.add(subscriber(0, 1), "news"));
  EXPECT_FALSE(all.add(subscriber(0, 1), "news")) << "twice is once";
  EXPECT_FALSE(all.add(subscriber(1, 1), "news"));
  EXPECT_TRUE(all.add(subscriber(1, 1), "other"));
  EXPECT_EQ(all.count(), 3u);
  EXPECT_FALSE(all.remove(subscriber(0, 1), "news"));
  EXPECT_FALSE(all.remove(subscriber(0, 1), "news"));
  EXPECT_TRUE(all.remove(subscriber(1, 1), "news"));
  EXPECT_FALSE(all.remove(subscriber(1, 1), "nothing"));
  EXPECT_THAT(all.channels(), ElementsAre("other"));
  EXPECT_TRUE(all.remove(subscriber(1, 1), "other"));
  EXPECT_TRUE(all.empty());
  EXPECT_EQ(all.count(), 0u);
  EXPECT_THAT(all.workers(), IsEmpty());
}

TEST(Subscriptions, WhoListensToAChannelIsKnownByWorker) {
  Subscriptions all;
  for (std::uint32_t slot : {3, 1, 2}) all.add(subscriber(0, slot), "news");
  all.add(subscriber(2, 7), "news");
  all.add(subscriber(1, 7), "other");
  const auto& listeners = all.listeners("news");
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_THAT(*listeners.at(0), ElementsAre(ClientId{1, 1}, ClientId{2, 1}, ClientId{3, 1}));
  EXPECT_THAT(*listeners.at(2), ElementsAre(ClientId{7, 1}));
  EXPECT_THAT(all.workers(), ElementsAre(0, 1, 2));
  const auto before = listeners.at(0);
  all.remove(subscriber(0, 2), "news");
  EXPECT_THAT(*all.listeners("news").at(0), ElementsAre(ClientId{1, 1}, ClientId{3, 1}));
  EXPECT_EQ(before->size(), 3u) << "what is on its way stays as it was";
  EXPECT_THAT(all.listeners("nothing"), IsEmpty());
}

TEST(Subscriptions, WhoLeavesIsFoundEverywhere) {
  Subscriptions all;
  all.add(subscriber(0, 1), "b");
  all.add(subscriber(0, 1), "a");
  all.add(subscriber(0, 2), "a");
  EXPECT_THAT(all.of(subscriber(0, 1)), ElementsAre("a", "b"));
  EXPECT_THAT(all.of(subscriber(0, 3)), IsEmpty());
  EXPECT_EQ(all.everybody().size(), 2u);
}

}  // namespace
}  // namespace tidegate::proxy
