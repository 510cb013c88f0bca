/** The smallest avatar there can be: a square whose lower edge sinks with `jawOpen`. What it shows costs nothing. */
export function tinyGlb(): Uint8Array<ArrayBuffer> {
  const positions = Float32Array.of(-0.1, -0.1, 0, 0.1, -0.1, 0, 0.1, 0.1, 0, -0.1, 0.1, 0);
  const sunken = Float32Array.of(0, -0.05, 0, 0, -0.05, 0, 0, 0, 0, 0, 0, 0);
  const triangles = Uint16Array.of(0, 1, 2, 0, 2, 3);
  const parts = [positions, sunken, triangles].map((list) => new Uint8Array(list.buffer));
  let offset = 0;
  const bufferViews = parts.map(({ length }) => {
    const view = { buffer: 0, byteOffset: offset, byteLength: length };
    offset += length;
    return view;
  });
  const vectors = { componentType: 5126, count: 4, type: "VEC3" };
  const document = {
    asset: { version: "2.0" },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 }, indices: 2, targets: [{ POSITION: 1 }] }], extras: { targetNames: ["jawOpen"] } }],
    accessors: [
      { bufferView: 0, ...vectors },
      { bufferView: 1, ...vectors },
      { bufferView: 2, componentType: 5123, count: 6, type: "SCALAR" },
    ],
    bufferViews,
    buffers: [{ byteLength: offset }],
  };
  const json = new TextEncoder().encode(JSON.stringify(document));
  const padded = json.length + (-json.length & 3);
  const out = new Uint8Array(28 + padded + offset).fill(0x20);
  const head = new DataView(out.buffer);
  const words = [0x46546c67, 2, out.length, padded, 0x4e4f534a];
  words.forEach((word, i) => head.setUint32(4 * i, word, true));
  out.set(json, 20);
  head.setUint32(20 + padded, offset, true);
  head.setUint32(24 + padded, 0x004e4942, true);
  let at = 28 + padded;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
