# cmake -D INPUT=<file> -D OUTPUT=<source> -P embed_bytes.cmake: writes the bytes of a file as the function
# tamis::streams::wire_descriptor_set().
file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR count "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," elements "${bytes}")
file(WRITE ${OUTPUT} "#include \"streams/recording/wire_schema.hpp\"

namespace tamis::streams {
namespace {

constexpr unsigned char kBytes[${count}] = {${elements}};

}  // namespace

std::span<const std::byte> wire_descriptor_set() noexcept {
    return std::as_bytes(std::span(kBytes));
}

}  // namespace tamis::streams
")
