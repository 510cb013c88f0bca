/** The GLB container: a header, a JSON chunk and a binary chunk (glTF 2.0, section 4). */

import { refuse, type Json } from "./fields.js";
import { LIMITS } from "./limits.js";

const MAGIC = 0x46546c67;
const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;

/** The JSON document and the binary chunk (empty when there is none); throws `unsupportedAvatarAsset`. */
export function unpackGlb(bytes: Uint8Array): { document: Json; binary: Uint8Array } {
  if (bytes.length < 20) throw refuse("it is too short for a GLB file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw refuse("it is not a GLB file");
  const version = view.getUint32(4, true);
  if (version !== 2) throw refuse(`it is glTF version ${version}, not 2`);
  if (view.getUint32(8, true) !== bytes.length) throw refuse("its header names another length");
  const chunks: { kind: number; data: Uint8Array }[] = [];
  for (let at = 12; at < bytes.length && chunks.length < 2; ) {
    if (at + 8 > bytes.length) throw refuse("a chunk header is cut off");
    const length = view.getUint32(at, true);
    const kind = view.getUint32(at + 4, true);
    at += 8;
    if (length > bytes.length - at) throw refuse("a chunk is longer than the file");
    chunks.push({ kind, data: bytes.subarray(at, at + length) });
    at += length;
  }
  if (chunks[0]?.kind !== JSON_CHUNK) throw refuse("its first chunk is not JSON");
  const binary = chunks[1]?.kind === BINARY_CHUNK ? chunks[1].data : new Uint8Array();
  return { document: parse(chunks[0].data), binary };
}

function parse(chunk: Uint8Array): Json {
  if (chunk.length > LIMITS.jsonBytes) throw refuse(`its JSON is larger than ${LIMITS.jsonBytes >> 20} MB`);
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(chunk));
  } catch {
    throw refuse("its JSON cannot be parsed");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw refuse("its JSON is not an object");
  }
  for (const [name, value] of Object.entries(document)) {
    if (Array.isArray(value) && value.length > LIMITS.jsonItems) throw refuse(`it lists more than ${LIMITS.jsonItems} ${name}`);
  }
  return document as Json;
}
