/**
 * Protobuf messages by table. The runtime of `@bufbuild/protobuf` reads and writes the wire; its reflection would
 * weigh more than the rest of the protocol.
 */

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

type Scalar = "string" | "bytes" | "bool" | "int32" | "uint32" | "float";

/** Number, name, kind; then `list`, `map` (of strings) or the name of the oneof that it belongs to. */
export type Field = readonly [no: number, name: string, kind: Scalar | Shape, group?: string];

/** The fields of a message `T` that are known; others are passed over. */
export type Shape<T = unknown> = readonly Field[] & { readonly of?: T };

type Values = Record<string, any>;

const PAIR: Shape = [
  [1, "key", "string"],
  [2, "value", "string"],
];
const ZEROS = { string: "", bool: false, int32: 0, uint32: 0, float: 0 };

/** Encode a message; what is left out has its default. */
export function encode<T>(shape: Shape<T>, message: Partial<T>): Uint8Array<ArrayBuffer> {
  return write(shape, message, new BinaryWriter()).finish();
}

/** Decode a message. Throws where bytes are none. */
export function decode<T>(shape: Shape<T>, bytes: Uint8Array): T {
  return read(shape, new BinaryReader(bytes), bytes.length) as T;
}

function write(shape: Shape, message: Values, writer: BinaryWriter): BinaryWriter {
  for (const [no, name, kind, group] of shape) {
    if (group === "list") for (const item of message[name] ?? []) writeField(no, kind, item, writer);
    else if (group === "map") {
      for (const [key, value] of Object.entries(message[name] ?? {})) writeField(no, PAIR, { key, value }, writer);
    } else {
      const chosen = group && message[group];
      const value = group ? (chosen?.case === name ? chosen.value : undefined) : message[name];
      const isDefault = typeof kind === "string" && !group && (kind === "bytes" ? !value?.length : !value);
      if (value !== undefined && !isDefault) writeField(no, kind, value, writer);
    }
  }
  return writer;
}

function writeField(no: number, kind: Scalar | Shape, value: any, writer: BinaryWriter): void {
  writer.tag(no, wireOf(kind));
  if (typeof kind === "string") writer[kind](value as never);
  else write(kind, value, writer.fork()).join();
}

function read(shape: Shape, reader: BinaryReader, end: number, message: Values = empty(shape)): Values {
  while (reader.pos < end) {
    const [no, wire] = reader.tag();
    const field = shape.find((known) => known[0] === no);
    if (!field || wireOf(field[2]) !== wire) {
      reader.skip(wire, no);
      continue;
    }
    const [, name, kind, group] = field;
    if (group === "list") message[name].push(readValue(kind, reader));
    else if (group === "map") {
      const { key, value } = readValue(PAIR, reader);
      message[name][key] = value;
    } else if (group) {
      const { [group]: chosen } = message;
      message[group] = { case: name, value: readValue(kind, reader, chosen.case === name ? chosen.value : undefined) };
    } else message[name] = readValue(kind, reader, message[name]);
  }
  if (reader.pos > end) throw new RangeError("a message ends within a field");
  return message;
}

/** A message that comes in two parts is one. */
function readValue(kind: Scalar | Shape, reader: BinaryReader, before?: Values): any {
  if (kind === "string") return reader.string(true);
  if (typeof kind === "string") return reader[kind]();
  const length = reader.uint32();
  if (reader.pos + length > reader.len) throw new RangeError("a message is cut off");
  return read(kind, reader, reader.pos + length, before);
}

function empty(shape: Shape): Values {
  const message: Values = {};
  for (const [, name, kind, group] of shape) {
    if (group === "list") message[name] = [];
    else if (group === "map") message[name] = Object.create(null);
    else if (group) message[group] = { case: undefined };
    else if (typeof kind === "string") message[name] = kind === "bytes" ? new Uint8Array() : ZEROS[kind];
  }
  return message;
}

function wireOf(kind: Scalar | Shape): WireType {
  if (typeof kind !== "string" || kind === "string" || kind === "bytes") return WireType.LengthDelimited;
  return kind === "float" ? WireType.Bit32 : WireType.Varint;
}
