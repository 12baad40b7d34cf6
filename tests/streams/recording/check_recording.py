"""Reads a recording with nothing of Tamis: the MCAP specification by struct and zlib, the messages by the
FileDescriptorSet in the file and Python's protobuf. Fails where a checksum, an offset or a count is wrong.

check_recording.py FILE TOPIC=COUNT...       (the file must not be compressed)
"""
import struct
import sys
import zlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MAGIC = b"\x89MCAP0\r\n"


def records(data, start, end):
    while start < end:
        opcode, size = struct.unpack_from("<BQ", data, start)
        assert start + 9 + size <= end, f"record at {start} is longer than what holds it"
        yield start, opcode, data[start + 9:start + 9 + size]
        start += 9 + size


class Fields:
    def __init__(self, content):
        self.content = content
        self.at = 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def sized(self, form="I"):
        size = self.take(form)
        assert self.at + size <= len(self.content)
        self.at += size
        return self.content[self.at - size:self.at]

    def text(self):
        return self.sized().decode()


def message_class(schema):
    name, encoding, contents = schema
    assert encoding == "protobuf"
    files = descriptor_pb2.FileDescriptorSet.FromString(contents)
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


def main(path, expected):
    data = open(path, "rb").read()
    assert data[:8] == MAGIC and data[-8:] == MAGIC
    footer = len(data) - 8 - 29
    assert data[footer] == 2
    summary_start, offset_start, summary_crc = struct.unpack_from("<QQI", data, footer + 9)
    assert zlib.crc32(data[summary_start:footer + 9 + 16]) == summary_crc
    data_end = summary_start - 13
    assert data[data_end] == 0x0F
    assert struct.unpack_from("<I", data, data_end + 9)[0] == zlib.crc32(data[:data_end])

    schemas, channels, counts, chunks, indexed, events, keys = {}, {}, {}, {}, {}, {}, {}
    for start, opcode, content in records(data, 8, data_end):
        if opcode == 0x06:
            fields = Fields(content)
            first, last, size, crc = fields.take("QQQI")
            assert fields.text() == ""
            chunk = fields.sized("Q")
            assert len(chunk) == size and zlib.crc32(chunk) == crc
            chunks[start] = (first, last, {})
            for at, inner, record in records(chunk, 0, len(chunk)):
                fields = Fields(record)
                if inner == 0x03:
                    number = fields.take("H")
                    schemas[number] = (fields.text(), fields.text(), fields.sized())
                elif inner == 0x04:
                    number, schema = fields.take("HH")
                    channels[number] = (fields.text(), fields.text(), schema)
                else:
                    assert inner == 0x05
                    channel, sequence, log_time, publish_time = fields.take("HIQQ")
                    topic, encoding, schema = channels[channel]
                    assert encoding == "protobuf" and first <= log_time <= last
                    if isinstance(schemas[schema], tuple):
                        schemas[schema] = message_class(schemas[schema])
                    message = schemas[schema].FromString(record[22:])
                    decision = getattr(message, "decision", message)
                    events.setdefault(topic, []).append((decision.run, decision.event))
                    keys.setdefault(start, []).append((decision.run, decision.event))
                    counts[channel] = counts.get(channel, 0) + 1
                    chunks[start][2].setdefault(channel, []).append((log_time, at))
            last_chunk = start
        elif opcode == 0x07:
            fields = Fields(content)
            channel = fields.take("H")
            entries = list(struct.iter_unpack("<QQ", fields.sized()))
            assert entries == chunks[last_chunk][2].pop(channel)
            indexed.setdefault(last_chunk, {})[channel] = start
        elif opcode == 0x09:
            assert struct.unpack("<I", content[-4:])[0] == zlib.crc32(content[:-4])
    assert all(not left for _, _, left in chunks.values()), "a message is missing in the indexes"

    groups = {}
    for start, opcode, content in records(data, summary_start, offset_start):
        groups.setdefault(opcode, []).append(start)
        fields = Fields(content)
        if opcode == 0x08:
            first, last, offset, size = fields.take("QQQQ")
            assert chunks[offset][:2] == (first, last)
            assert size == 9 + struct.unpack_from("<Q", data, offset + 1)[0]
            offsets = Fields(fields.sized())
            while offsets.at < len(offsets.content):
                channel, at = offsets.take("HQ")
                assert indexed[offset].pop(channel) == at
        elif opcode == 0x0A:
            offset, size = fields.take("QQ")
            assert data[offset] == 0x09 and size == 9 + struct.unpack_from("<Q", data, offset + 1)[0]
        elif opcode == 0x0D:
            offset, size = fields.take("QQ")
            assert data[offset] == 0x0C and size == 9 + struct.unpack_from("<Q", data, offset + 1)[0]
        elif opcode == 0x0B:
            assert fields.take("QHIIIIQQ")[0] == sum(counts.values())
            stated = Fields(fields.sized())
            while stated.at < len(stated.content):
                channel, count = stated.take("HQ")
                assert counts[channel] == count
        elif opcode == 0x80:
            assert fields.text() == "tamis.keys"
            stated = {offset: limits for offset, *limits in struct.iter_unpack("<QIIQQ", fields.sized())}
            runs = {offset: [run for run, _ in inside] for offset, inside in keys.items()}
            numbers = {offset: [number for _, number in inside] for offset, inside in keys.items()}
            assert stated == {offset: [min(runs[offset]), max(runs[offset]), min(numbers[offset]), max(numbers[offset])]
                              for offset in chunks}, "the index of events is wrong"
    assert not any(indexed.values()) and len(groups[0x08]) == len(chunks) and len(groups[0x80]) == 1
    for start, opcode, content in records(data, offset_start, footer):
        group, group_start, group_size = struct.unpack("<BQQ", content)
        assert opcode == 0x0E and groups[group][0] == group_start
        inside = list(records(data, group_start, group_start + group_size))
        assert [at for at, _, _ in inside] == groups[group]

    found = {topic: len(set(numbers)) for topic, numbers in events.items()}
    assert found == expected, f"{found} instead of {expected}"
    print("recording as expected:", found)


if __name__ == "__main__":
    main(sys.argv[1], {topic: int(count) for topic, count in (text.split("=") for text in sys.argv[2:])})
