// Answers of the ZAP handler and its books, without a socket.
#include "streams/admission.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tamis::streams {
namespace {

CurveKey key_of(std::uint8_t byte) {
    CurveKey key{};
    key.fill(byte);
    return key;
}

ZapRequest request(const std::string& domain, std::uint8_t key) {
    return {.version = "1.0",
            .domain = domain,
            .address = "192.0.2.7",
            .mechanism = "CURVE",
            .credentials = std::string(32, static_cast<char>(key))};
}

std::uint64_t refused(const LinkAdmissions& link, Refusal why) {
    return link.refused.at(static_cast<std::size_t>(why));
}

class AdmissionOfTwoLinks : public testing::Test {
 protected:
    Admission admission_;
    std::string first_ = admission_.add_link("tcp://*:1", {{key_of(1), "one"}, {key_of(2), "two"}});
    std::string second_ = admission_.add_link("tcp://*:2", {{key_of(3), "three"}});
};

TEST_F(AdmissionOfTwoLinks, have_domains_of_their_own_that_are_never_empty) {
    EXPECT_FALSE(first_.empty());
    EXPECT_FALSE(second_.empty());
    EXPECT_NE(first_, second_);
}

TEST_F(AdmissionOfTwoLinks, a_listed_key_is_admitted_by_name_to_its_own_link_alone) {
    EXPECT_EQ(admission_.answer(request(first_, 2)).status, "200");
    EXPECT_EQ(admission_.answer(request(first_, 2)).user, "two");
    EXPECT_EQ(admission_.answer(request(second_, 3)).user, "three");
    EXPECT_EQ(admission_.answer(request(second_, 2)).status, "400");
    EXPECT_EQ(admission_.answer(request(second_, 2)).user, "");
    const auto links = admission_.links();
    ASSERT_EQ(links.size(), 2U);
    EXPECT_EQ(links[0].admitted, 2U);
    EXPECT_EQ(links[1].admitted, 1U);
    EXPECT_EQ(refused(links[0], Refusal::unlisted_key), 0U);
    EXPECT_EQ(refused(links[1], Refusal::unlisted_key), 2U);
}

TEST_F(AdmissionOfTwoLinks, whatever_is_no_such_request_is_refused) {
    ZapRequest changed = request(first_, 1);
    EXPECT_EQ(admission_.answer(changed).status, "200");
    for (const auto change :
         {+[](ZapRequest& r) { r.version = "2.0"; }, +[](ZapRequest& r) { r.domain = ""; },
          +[](ZapRequest& r) { r.domain += "x"; }, +[](ZapRequest& r) { r.mechanism = "NULL"; },
          +[](ZapRequest& r) { r.mechanism = "PLAIN"; },
          +[](ZapRequest& r) { r.credentials.pop_back(); },
          +[](ZapRequest& r) { r.credentials += '\1'; },
          +[](ZapRequest& r) { r.credentials.clear(); }}) {
        changed = request(first_, 1);
        change(changed);
        EXPECT_EQ(admission_.answer(changed).status, "400");
    }
    EXPECT_EQ(admission_.links()[0].admitted, 1U);
    EXPECT_EQ(refused(admission_.links()[0], Refusal::not_curve), 5U);
}

TEST_F(AdmissionOfTwoLinks, names_who_was_refused_where_and_why_once) {
    admission_.set_endpoint(first_, "tcp://0.0.0.0:17");
    (void)admission_.answer(request(first_, 9));
    admission_.refuse(second_, Refusal::wrong_server_key, "192.0.2.8");
    const auto named = admission_.take_refused();
    ASSERT_EQ(named.size(), 2U);
    EXPECT_EQ(named[0].endpoint, "tcp://0.0.0.0:17");
    EXPECT_EQ(named[0].address, "192.0.2.7");
    EXPECT_EQ(named[0].key, to_z85(key_of(9)));
    EXPECT_EQ(named[0].why, Refusal::unlisted_key);
    EXPECT_EQ(named[1].endpoint, "tcp://*:2");
    EXPECT_EQ(named[1].address, "192.0.2.8");
    EXPECT_EQ(to_string(named[1].why), "wrong_server_key");
    EXPECT_TRUE(admission_.take_refused().empty());
}

TEST_F(AdmissionOfTwoLinks, counts_all_of_a_storm_and_names_a_bounded_part) {
    for (int i = 0; i < 10'000; ++i) {
        admission_.refuse(first_, Refusal::not_curve, "192.0.2." + std::to_string(i));
    }
    EXPECT_EQ(refused(admission_.links()[0], Refusal::not_curve), 10'000U);
    const std::size_t named = admission_.take_refused().size();
    EXPECT_GT(named, 1U);
    EXPECT_LE(named, 100U);
}

TEST_F(AdmissionOfTwoLinks, names_one_that_comes_again_and_again_once) {
    for (int i = 0; i < 10'000; ++i) {
        (void)admission_.answer(request(first_, 9));
    }
    admission_.refuse(first_, Refusal::wrong_server_key, "192.0.2.7");
    const auto named = admission_.take_refused();
    ASSERT_EQ(named.size(), 2U);
    EXPECT_EQ(named[0].times, 10'000U);
    EXPECT_EQ(named[1].why, Refusal::wrong_server_key);
    EXPECT_EQ(named[1].times, 1U);
}

}  // namespace
}  // namespace tamis::streams
