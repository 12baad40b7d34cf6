// Payloads as Protocol Buffers write them, from the plain views of an event's parts. One encoder
// per thread: its messages keep their buffers.
#pragma once

#include <memory>
#include <string>

#include "streams/payloads.hpp"

namespace tamis::streams {

class PayloadEncoder {
 public:
    PayloadEncoder();
    ~PayloadEncoder();
    PayloadEncoder(const PayloadEncoder&) = delete;
    PayloadEncoder& operator=(const PayloadEncoder&) = delete;

    // Each replaces `out`. Empty collections and zeros are left out, as in proto3.
    void encode(const PhysicsObjects& objects, std::string& out);
    void encode(const CalorimeterClusters& clusters, std::string& out);
    void encode(const PixelDoublets& doublets, std::string& out);

 private:
    struct Messages;
    std::unique_ptr<Messages> messages_;
};

}  // namespace tamis::streams
