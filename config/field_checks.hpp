// What a schema says of its fields, checked on a parsed text: what must be there, ranges, counts,
// finite numbers, names.
//
// For TextReader only: it shows Protobuf. Cold path.
#pragma once

namespace tamis::config {

class TextReader;
struct Block;

// Of the block and all blocks in it.
void check_fields(TextReader& reader, const Block& block);

}  // namespace tamis::config
