// Runs a fuzz target without libFuzzer: every file of a corpus, then so many inputs made from them
// by random changes, the same ones every time. Usage: <target> CORPUS_DIRECTORY RUNS
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t kLargest = 8192;

std::vector<Bytes> read_corpus(const char* directory) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        paths.push_back(entry.path());
    }
    std::ranges::sort(paths);  // the order of a directory is not the same everywhere
    std::vector<Bytes> corpus;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return corpus;
}

void change(Bytes& bytes, std::mt19937_64& random) {
    const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % 5) {
        case 0:  // another byte
            if (!bytes.empty()) {
                *place = static_cast<std::uint8_t>(random());
            }
            return;
        case 1:  // one bit
            if (!bytes.empty()) {
                *place ^= static_cast<std::uint8_t>(1U << random() % 8);
            }
            return;
        case 2:  // shorter
            bytes.erase(place, bytes.end());
            return;
        case 3: {  // bytes between
            const Bytes more(random() % 64, static_cast<std::uint8_t>(random()));
            bytes.insert(place, more.begin(), more.end());
            return;
        }
        default:  // a part again
            if (bytes.size() < kLargest / 2) {
                const Bytes part(place, bytes.end());
                bytes.insert(bytes.end(), part.begin(), part.end());
            }
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 3) {
        std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY RUNS\n", arguments[0]);
        return 64;
    }
    const std::vector<Bytes> corpus = read_corpus(arguments[1]);
    for (const Bytes& input : corpus) {
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    const long runs = std::strtol(arguments[2], nullptr, 10);
    std::mt19937_64 random(1);
    for (long run = 0; run < runs; ++run) {
        Bytes input;
        if (run % 4 == 0 || corpus.empty()) {
            input.resize(random() % 1024);
            std::ranges::generate(input, [&] { return static_cast<std::uint8_t>(random()); });
        } else {
            input = corpus[random() % corpus.size()];
        }
        for (std::size_t n = random() % 8; n > 0; --n) {
            change(input, random);
        }
        input.resize(std::min(input.size(), kLargest));
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%zu files, %ld random inputs\n", corpus.size(), runs);
    return 0;
}
