// @mcap/core, the reference implementation of MCAP in another language, on either side of a file.
//   node reference_mcap.cjs read FILE       what it holds, a line an item, by both of its readers; schemas by protobufjs
//   node reference_mcap.cjs write FOLDER    the same messages with every combination of the writer's options
// TAMIS_MCAP_CORE names a folder where `npm install @mcap/core @mcap/support lz4js` was run.
"use strict";
const fs = require("fs");
const path = require("path");
const load = require("module").createRequire(path.join(process.env.TAMIS_MCAP_CORE, "node_modules", "here.js"));
const core = load("@mcap/core");
const support = load("@mcap/support");
const zstd = load("@foxglove/wasm-zstd");
const lz4 = load("lz4js");

const MESSAGES = 40;
const CHANNELS = [
  { topic: "a", schema: 0, metadata: new Map([["key", "value"]]) },
  { topic: "b", schema: 1, metadata: new Map() },
  { topic: "c", schema: undefined, metadata: new Map() },
];
const SCHEMAS = [
  { name: "first.Schema", encoding: "jsonschema", data: new TextEncoder().encode("{}") },
  { name: "second.Schema", encoding: "text", data: new TextEncoder().encode("anything") },
];
const ATTACHMENT = { name: "notes.txt", logTime: 7n, createTime: 6n, mediaType: "text/plain", data: new TextEncoder().encode("a note") };
const METADATA = { name: "about", metadata: new Map([["who", "@mcap/core"], ["why", "test"]]) };

function message(number, channelId) {
  const data = new Uint8Array(20 + (number % 7) * 30);
  for (let i = 0; i < data.length; ++i) data[i] = (number * 7 + i * 13 + (i >> 3)) & 255;
  return { channelId, sequence: number, logTime: 1000n + BigInt(number), publishTime: 900n + BigInt(number), data };
}

class Memory {
  chunks = [];
  size = 0n;
  position() { return this.size; }
  async write(bytes) { this.chunks.push(bytes.slice()); this.size += BigInt(bytes.length); }
}

const COMPRESSIONS = {
  none: undefined,
  zstd: (data) => ({ compression: "zstd", compressedData: zstd.compress(data, data.length) }),
  lz4: (data) => ({ compression: "lz4", compressedData: lz4.compress(data) }),
};
const FLAGS = ["useStatistics", "useSummaryOffsets", "useMessageIndex", "useChunkIndex", "useAttachmentIndex", "useMetadataIndex", "repeatSchemas", "repeatChannels"];

async function writeOne(file, options) {
  const memory = new Memory();
  const writer = new core.McapWriter({ writable: memory, startChannelId: 5, chunkSize: 600, ...options });
  await writer.start({ profile: "test", library: "core" });
  const schemaIds = [];
  for (const schema of SCHEMAS) schemaIds.push(await writer.registerSchema(schema));
  const channelIds = [];
  for (const { topic, schema, metadata } of CHANNELS) {
    channelIds.push(await writer.registerChannel({ topic, messageEncoding: "raw", metadata, schemaId: schema === undefined ? 0 : schemaIds[schema] }));
  }
  for (let number = 0; number < MESSAGES; ++number) await writer.addMessage(message(number, channelIds[number % 3]));
  await writer.addAttachment(ATTACHMENT);
  await writer.addMetadata(METADATA);
  await writer.end();
  fs.writeFileSync(file, Buffer.concat(memory.chunks));
}

// Records with bytes behind their fields, as a later version of the format would write them, and files without checksums.
function writeByHand(file, { isPadded, isChunked, hasCrc }) {
  const options = { padRecords: isPadded };
  const out = new core.McapRecordBuilder(options);
  const crc = (bytes) => (hasCrc ? load("@foxglove/crc").crc32(bytes) : 0);
  out.writeMagic();
  out.writeHeader({ profile: "test", library: "core" });
  const describe = (builder) => {
    SCHEMAS.forEach((schema, i) => builder.writeSchema({ ...schema, id: i + 1 }));
    CHANNELS.forEach(({ topic, schema, metadata }, i) =>
      builder.writeChannel({ id: 5 + i, topic, messageEncoding: "raw", metadata, schemaId: schema === undefined ? 0 : schema + 1 }));
  };
  if (isChunked) {
    for (let first = 0; first < MESSAGES; first += 8) {
      const inside = new core.McapRecordBuilder(options);
      describe(inside);
      for (let number = first; number < first + 8; ++number) inside.writeMessage(message(number, 5 + (number % 3)));
      const records = inside.buffer.slice();
      out.writeChunk({ messageStartTime: 1000n + BigInt(first), messageEndTime: 1007n + BigInt(first), uncompressedSize: BigInt(records.length), uncompressedCrc: crc(records), compression: "", records });
    }
  } else {
    describe(out);
    for (let number = 0; number < MESSAGES; ++number) out.writeMessage(message(number, 5 + (number % 3)));
  }
  out.writeAttachment(ATTACHMENT);
  out.writeMetadata(METADATA);
  out.writeDataEnd({ dataSectionCrc: crc(out.buffer.slice()) });
  out.writeFooter({ summaryStart: 0n, summaryOffsetStart: 0n, summaryCrc: 0 });
  out.writeMagic();
  fs.writeFileSync(file, out.buffer);
}

async function write(folder) {
  let count = 0;
  for (const [name, compressChunk] of [["unchunked", undefined], ...Object.entries(COMPRESSIONS)]) {
    for (let bits = 0; bits < 1 << FLAGS.length; ++bits) {
      const options = Object.fromEntries(FLAGS.map((flag, i) => [flag, ((bits >> i) & 1) === 1]));
      await writeOne(path.join(folder, `${name}_${bits}.mcap`), { ...options, useChunks: name !== "unchunked", compressChunk });
      ++count;
    }
  }
  for (let bits = 0; bits < 8; ++bits) {
    writeByHand(path.join(folder, `by_hand_${bits}.mcap`), { isPadded: (bits & 1) !== 0, isChunked: (bits & 2) !== 0, hasCrc: (bits & 4) !== 0 });
    ++count;
  }
  console.log(count);
}

class Decoder {
  roots = new Map();
  text(schema, message) {
    if (schema === undefined || schema.encoding !== "protobuf") return Buffer.from(message.data).toString("hex");
    if (!this.roots.has(schema.id)) this.roots.set(schema.id, support.protobufFromBinaryDescriptor(schema.data).lookupType(schema.name));
    const decoded = this.roots.get(schema.id).decode(message.data);
    const event = decoded.decision ?? decoded;
    const scores = (event.paths ?? []).map((path) => path.score).join(",");
    return `event ${event.run}/${event.event} scores [${scores}] sources [${(decoded.fragments ?? [decoded]).map((one) => one.source).join(",")}]`;
  }
}

function line(channel, schema, message, decoder) {
  return `${channel.topic} ${schema?.name ?? "-"} ${message.sequence} ${message.logTime} ${message.publishTime} ${decoder.text(schema, message)}`;
}

async function read(file) {
  const decompressHandlers = await support.loadDecompressHandlers();
  const bytes = fs.readFileSync(file);
  const decoder = new Decoder();
  const stream = new core.McapStreamReader({ decompressHandlers, validateCrcs: true });
  stream.append(bytes);
  const schemas = new Map(), channels = new Map(), streamed = [], others = [];
  let ended = false;
  for (let record; (record = stream.nextRecord()); ) {
    if (record.type === "Schema") schemas.set(record.id, record);
    else if (record.type === "Channel") channels.set(record.id, record);
    else if (record.type === "Message") {
      const channel = channels.get(record.channelId);
      streamed.push(line(channel, schemas.get(channel.schemaId), record, decoder));
    } else if (record.type === "Attachment") others.push(`attachment ${record.name} ${record.mediaType} ${Buffer.from(record.data).toString()}`);
    else if (record.type === "Metadata") others.push(`metadata ${record.name} ${[...record.metadata].sort().map((pair) => pair.join("=")).join(",")}`);
    ended = record.type === "Footer" || ended;
  }
  if (!stream.done() || !ended) throw new Error("the stream reader is not at the end");
  const readable = { size: async () => BigInt(bytes.length), read: async (offset, size) => new Uint8Array(bytes.subarray(Number(offset), Number(offset + size))) };
  const indexed = await core.McapIndexedReader.Initialize({ readable, decompressHandlers });
  const found = [];
  for await (const message of indexed.readMessages()) {
    const channel = indexed.channelsById.get(message.channelId);
    found.push(line(channel, indexed.schemasById.get(channel.schemaId), message, decoder));
  }
  // The indexed reader goes by time.
  if ([...found].sort().join("\n") !== [...streamed].sort().join("\n")) throw new Error("the two readers do not agree");
  if (indexed.statistics.messageCount !== BigInt(streamed.length)) throw new Error("the statistics are wrong");
  for await (const attachment of indexed.readAttachments()) if (attachment.data === undefined) throw new Error("attachment");
  const metadata = [];
  for await (const record of indexed.readMetadata()) metadata.push(record.name);
  if (metadata.length !== others.filter((text) => text.startsWith("metadata ")).length) throw new Error("the metadata index is not whole");
  console.log([...streamed, ...others].join("\n"));
}

const [mode, where] = process.argv.slice(2);
zstd.isLoaded.then(() => (mode === "write" ? write(where) : read(where))).catch((error) => { console.error(error); process.exit(1); });
