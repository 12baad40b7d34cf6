// Key files: what is written can be read, what is wrong in one is said, and a secret that others
// may read is no secret.
#include "streams/curve_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <variant>

namespace tamis::streams {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// The pair that libzmq's manual shows (zmq_curve).
constexpr const char* kPublic = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
constexpr const char* kSecret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

class CurveKeys : public testing::Test {
 protected:
    CurveKeys() : folder_(fs::temp_directory_path() / ("tamis_keys_" + std::to_string(getpid()))) {
        fs::create_directory(folder_);
    }
    ~CurveKeys() override { fs::remove_all(folder_); }

    fs::path file(const std::string& name, const std::string& text, mode_t mode = 0600) {
        const fs::path path = folder_ / name;
        std::ofstream(path) << text;
        EXPECT_EQ(chmod(path.c_str(), mode), 0);
        return path;
    }
    static mode_t mode_of(const fs::path& path) {
        struct stat facts {};
        EXPECT_EQ(stat(path.c_str(), &facts), 0);
        return facts.st_mode & 0777U;
    }

    fs::path folder_;
};

TEST_F(CurveKeys, a_known_secret_gives_its_known_public_key) {
    const auto secret = read_secret_key(file("a", std::string("secret ") + kSecret + " a\n"));
    ASSERT_TRUE(secret) << secret.error();
    EXPECT_EQ(to_z85(*secret), kSecret);
    EXPECT_EQ(to_z85(public_key_of(*secret)), kPublic);
}

TEST_F(CurveKeys, a_written_pair_is_read_and_only_its_owner_may_read_the_secret) {
    const mode_t before = umask(0);
    const auto written = write_key_pair(folder_ / "node", "node");
    umask(before);
    ASSERT_TRUE(written) << written.error();
    EXPECT_EQ(mode_of(folder_ / "node.secret"), 0600U);
    EXPECT_EQ(mode_of(folder_ / "node.public"), 0644U);
    const auto secret = read_secret_key(folder_ / "node.secret");
    const auto peers = read_public_keys(folder_ / "node.public");
    ASSERT_TRUE(secret) << secret.error();
    ASSERT_TRUE(peers) << peers.error();
    ASSERT_EQ(peers->size(), 1U);
    EXPECT_EQ(peers->front().name, "node");
    EXPECT_EQ(peers->front().key, public_key_of(*secret));
    EXPECT_EQ(read_server_key(folder_ / "node.public").value(), peers->front().key);
}

TEST_F(CurveKeys, a_pair_is_never_overwritten_and_none_is_left_half) {
    ASSERT_TRUE(write_key_pair(folder_ / "one", "one"));
    const CurveKey first = read_secret_key(folder_ / "one.secret").value();
    const auto again = write_key_pair(folder_ / "one", "one");
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error(), HasSubstr("another name"));
    EXPECT_EQ(read_secret_key(folder_ / "one.secret").value(), first);
    file("two.public", "taken");
    EXPECT_FALSE(write_key_pair(folder_ / "two", "two"));
    EXPECT_FALSE(fs::exists(folder_ / "two.secret"));
    EXPECT_FALSE(write_key_pair(folder_ / "three", "two words"));
    EXPECT_FALSE(fs::exists(folder_ / "three.secret"));
}

TEST_F(CurveKeys, a_secret_that_others_may_read_is_refused) {
    const std::string text = std::string("secret ") + kSecret + " a\n";
    for (const mode_t mode : {0640U, 0604U, 0620U, 0644U}) {
        const auto path = file("open", text, mode);
        const auto secret = read_secret_key(path);
        ASSERT_FALSE(secret) << mode;
        EXPECT_THAT(secret.error(), HasSubstr("chmod 600 " + path.string()));
    }
    EXPECT_TRUE(read_secret_key(file("open", text, 0400)));
}

TEST_F(CurveKeys, mistakes_are_told_with_their_line) {
    const std::string good = std::string("public ") + kPublic + " good\n";
    const auto mistake = [&](const std::string& text) {
        const auto peers = read_public_keys(file("peers", text));
        return peers ? "accepted" : peers.error();
    };
    EXPECT_EQ(mistake("# all\n\n" + good), "accepted");
    EXPECT_THAT(mistake("# none\n"), HasSubstr("no key in it"));
    EXPECT_THAT(mistake(good + "public tooshort x\n"), HasSubstr("line 2 is not a key"));
    EXPECT_THAT(mistake(good + "key " + kSecret + " x\n"), HasSubstr("line 2 is not a key"));
    // 40 letters of the alphabet, but more than 32 bytes can say.
    EXPECT_THAT(mistake("public " + std::string(40, '#') + " x\n"), HasSubstr("not a key"));
    EXPECT_THAT(mistake("public " + std::string(40, '"') + " x\n"), HasSubstr("not a key"));
    EXPECT_THAT(mistake(std::string("secret ") + kSecret + " mine\n"),
                HasSubstr("holds the secret key of mine"));
    EXPECT_THAT(mistake(good + "public " + kPublic + " twin\n"),
                HasSubstr("good and twin have the same key"));
    const auto none = read_public_keys(folder_ / "absent");
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error(), HasSubstr("No such file"));
    const auto wrong = read_secret_key(file("public", good));
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error(), HasSubstr("not one secret key"));
    EXPECT_FALSE(read_secret_key(folder_));
    const auto two = read_server_key(file("two", good + "public " + kSecret + " other\n"));
    ASSERT_FALSE(two);
    EXPECT_THAT(two.error(), HasSubstr("2 keys in it"));
}

TEST_F(CurveKeys, a_file_that_never_ends_or_never_begins_is_refused) {
    const fs::path pipe = folder_ / "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const fs::path large = file("large", std::string((std::size_t{1} << 20) + 1, '#'));
    for (const fs::path& path : {pipe, fs::path("/dev/zero"), folder_, large}) {
        EXPECT_FALSE(read_secret_key(path)) << path;
        const auto listed = read_public_keys(path);
        ASSERT_FALSE(listed) << path;
        EXPECT_NE(listed.error().find("no regular file, or more than 1 MiB"), std::string::npos)
            << listed.error();
    }
}

TEST_F(CurveKeys, a_link_gets_the_keys_of_its_side_or_none) {
    ASSERT_TRUE(write_key_pair(folder_ / "a", "a"));
    ASSERT_TRUE(write_key_pair(folder_ / "b", "b"));
    const auto read = [](const KeyFiles& files, Attachment attachment) {
        return read_link_security(files, attachment);
    };
    const fs::path secret = folder_ / "a.secret";
    const fs::path other = folder_ / "b.public";
    EXPECT_TRUE(std::holds_alternative<std::monostate>(read({}, Attachment::bind).value()));
    const auto server =
        read({.secret_key = secret, .peer_keys = other, .server_key = {}}, Attachment::bind);
    ASSERT_TRUE(server) << server.error();
    EXPECT_EQ(std::get<CurveServer>(*server).peers.at(0).name, "b");
    const auto client =
        read({.secret_key = secret, .peer_keys = {}, .server_key = other}, Attachment::connect);
    ASSERT_TRUE(client) << client.error();
    EXPECT_EQ(std::get<CurveClient>(*client).server, read_server_key(other).value());
    for (const Attachment attachment : {Attachment::bind, Attachment::connect}) {
        EXPECT_FALSE(read({.secret_key = secret, .peer_keys = {}, .server_key = {}}, attachment));
        EXPECT_FALSE(read({.secret_key = {}, .peer_keys = other, .server_key = other}, attachment));
    }
}

}  // namespace
}  // namespace tamis::streams
