#include "engine/onnx_field_count.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "engine/onnx_messages.hpp"

namespace tamis::engine {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;

constexpr int kMaxDepth = 20;
constexpr std::uint32_t kBytesOfListPerField = 16;

// Bytes of the numbers of variable length that one field packs become up to eight times as many.
bool grows_in_memory(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
        case FieldDescriptor::CPPTYPE_FLOAT:
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return false;
        default:
            return true;
    }
}

class FieldCount {
 public:
    explicit FieldCount(std::span<const std::byte> bytes)
        : stream_(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                  static_cast<int>(bytes.size())) {}

    // False: damaged, or too many.
    bool add(const Descriptor& message, int depth) {
        while (const std::uint32_t tag = stream_.ReadTag()) {
            if (++count_ > kMaxOnnxFields || !add_field(message, tag, depth)) return false;
        }
        return stream_.ConsumedEntireMessage();
    }
    [[nodiscard]] bool too_many() const { return count_ > kMaxOnnxFields; }

 private:
    bool add_field(const Descriptor& message, std::uint32_t tag, int depth) {
        switch (WireFormatLite::GetTagWireType(tag)) {
            case WireFormatLite::WIRETYPE_START_GROUP:
            case WireFormatLite::WIRETYPE_END_GROUP:
                return false;  // ONNX has none
            case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
                return add_bytes(message, WireFormatLite::GetTagFieldNumber(tag), depth);
            default:
                return WireFormatLite::SkipField(&stream_, tag);
        }
    }

    bool add_bytes(const Descriptor& message, int number, int depth) {
        std::uint32_t length = 0;
        if (!stream_.ReadVarint32(&length) || length > INT32_MAX) return false;
        const FieldDescriptor* field = message.FindFieldByNumber(number);
        const int size = static_cast<int>(length);
        if (field == nullptr) return stream_.Skip(size);
        if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
            if (grows_in_memory(*field)) count_ += length / kBytesOfListPerField;
            return stream_.Skip(size) && !too_many();
        }
        if (depth == kMaxDepth) return false;
        const auto limit = stream_.PushLimit(size);
        if (!add(*field->message_type(), depth + 1)) return false;
        stream_.PopLimit(limit);
        return true;
    }

    google::protobuf::io::CodedInputStream stream_;
    std::size_t count_ = 0;
};

}  // namespace

tl::expected<void, std::string> check_onnx_field_count(std::span<const std::byte> bytes) {
    FieldCount fields(bytes);
    if (fields.add(*onnx::ModelProto::descriptor(), 1)) return {};
    if (fields.too_many()) {
        return tl::unexpected("the file has more than " + std::to_string(kMaxOnnxFields) +
                              " fields (too many for a trigger's network); use a smaller one");
    }
    return tl::unexpected(
        std::string("the bytes are no ONNX model (damaged or another format); export it again"));
}

}  // namespace tamis::engine
