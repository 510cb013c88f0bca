/** A GLB file as a bundle: our own files and any other GLB with ARKit-named shapes. */

import { error, ErrorCode } from "../errors.js";
import { ARKIT_INDEX, type ArkitName } from "../frames.js";
import { isNewer } from "../transport/metadata.js";
import { VERSION } from "../version.js";
import { AccessorReader } from "./accessors.js";
import type { Bundle, BundleInfo, EncodedImage, Material, MaterialKind, Mesh, Morph } from "./bundle.js";
import * as fields from "./fields.js";
import { refuse, type Json } from "./fields.js";
import { unpackGlb } from "./glb.js";
import { LIMITS } from "./limits.js";
import { cofactors, type Matrix } from "./matrix.js";
import { vertexNormals } from "./normals.js";
import { Scene, type Placed } from "./scene.js";

const EXTENSIONS = ["KHR_mesh_quantization", "KHR_materials_unlit"];
const KINDS: readonly string[] = ["skin", "eye", "teeth", "mouth", "hair", "lash", "cloth", "matte", "photo"];
const NECK_BELOW_HEAD_M = 0.09;
const TRIANGLES = 4;

/** Read a file. Throws `unsupportedAvatarAsset` with the reason when it cannot be used. */
export function readBundle(bytes: Uint8Array): Bundle {
  return new Decoder(bytes).decode();
}

class Decoder {
  private readonly document: Json;
  private readonly reader: AccessorReader;
  private readonly scene: Scene;
  private readonly isOurs: boolean;
  private readonly used: number[] = []; // glTF images, in the order of Bundle.images
  private readonly jointShares: [number, number][];
  private readonly joints: ReturnType<Scene["joints"]>;
  private vertices: number = LIMITS.vertices;
  private triangles: number = LIMITS.triangles;

  constructor(bytes: Uint8Array) {
    const { document, binary } = unpackGlb(bytes);
    this.document = document;
    const needed = document.extensionsRequired ?? [];
    if (!Array.isArray(needed)) throw refuse("'extensionsRequired' is not a list of names");
    const foreign = needed.find((name) => !EXTENSIONS.includes(name as string)) as unknown;
    if (foreign !== undefined) throw refuse(`it needs the glTF extension ${String(foreign).slice(0, 80)}, which is not supported`);
    const buffers = fields.objects(document, "buffers");
    if (buffers.length > 1 || buffers.some((item) => "uri" in item)) throw refuse("it uses data outside the file");
    const extras = fields.object(fields.object(document, "asset"), "extras");
    this.isOurs = typeof extras.avatarkit === "object" && extras.avatarkit !== null;
    this.reader = new AccessorReader(document, binary);
    this.scene = new Scene(document, this.reader);
    this.joints = this.scene.joints();
    this.jointShares = jointShares(this.joints);
  }

  decode(): Bundle {
    const info = readInfo(this.document);
    const meshes: Mesh[] = [];
    for (const placed of this.scene.placed()) {
      meshes.push(...this.place(placed));
      if (meshes.length > LIMITS.meshes) throw refuse(`it holds more than ${LIMITS.meshes} meshes`);
    }
    if (!meshes.length) throw refuse("it holds no mesh");
    if (!this.isOurs && !meshes.some((mesh) => mesh.morphs.size)) throw refuse("no mesh has a shape with an ARKit name");
    const pivot = (name: string): [number, number, number] | undefined => this.joints.find((j) => j.name === name)?.position;
    const headPivot = pivot("head") ?? [0, 0, 0];
    const neckPivot = pivot("neck") ?? [headPivot[0], headPivot[1] - NECK_BELOW_HEAD_M, headPivot[2]];
    return { info, meshes, headPivot, neckPivot, images: this.images() };
  }

  private place(placed: Placed): Mesh[] {
    const meshes = fields.objects(this.document, "meshes");
    const mesh = meshes[fields.index(placed.node, "mesh", meshes)]!;
    const name = fields.text(placed.node, "name", fields.text(mesh, "name", "mesh"));
    const primitives = fields.objects(mesh, "primitives");
    if (primitives.length > LIMITS.meshes) throw refuse(`a mesh has more than ${LIMITS.meshes} parts`);
    const shapes = this.shapeNames(mesh);
    return primitives
      .filter((primitive) => fields.whole(primitive, "mode", TRIANGLES) === TRIANGLES)
      .map((primitive) => this.primitive(primitive, placed, name, shapes));
  }

  private primitive(primitive: Json, placed: Placed, name: string, shapes: readonly string[]): Mesh {
    const attributes = fields.object(primitive, "attributes");
    const { reader } = this;
    const position = fields.index(attributes, "POSITION", reader.accessors);
    const count = reader.count(position);
    this.vertices -= count;
    if (this.vertices < 0) throw refuse(`it holds more than ${LIMITS.vertices} vertices`);
    const optional = (attribute: string, width: number | "color"): Float32Array | null => {
      const at = fields.optionalIndex(attributes, attribute, reader.accessors);
      if (at === null) return null;
      if (reader.count(at) !== count) throw refuse(`${attribute} has another length than POSITION`);
      if (width !== "color") return reader.floats(at, width);
      return reader.isVec4(at) ? reader.floats(at, 4) : withAlpha(reader.floats(at, 3));
    };
    const positions = reader.floats(position, 3);
    const triangles = this.triangleList(primitive, count);
    const part = {
      positions,
      normals: optional("NORMAL", 3) ?? vertexNormals(positions, triangles),
      morphs: this.morphs(primitive, shapes, count),
    };
    const { shares, matrices, pick } = this.carriers(placed, attributes, optional("WEIGHTS_0", 4), count);
    const mirrored = move(part, matrices, pick);
    if (mirrored) triangles.reverse();
    return {
      name,
      ...part,
      triangles,
      material: this.material(primitive),
      uv: optional("TEXCOORD_0", 2),
      colors: optional("COLOR_0", "color")?.map((x) => Math.min(Math.max(x, 0), 1)) ?? null,
      shares,
    };
  }

  private triangleList(primitive: Json, count: number): Uint32Array {
    const at = fields.optionalIndex(primitive, "indices", this.reader.accessors);
    const length = at === null ? count : this.reader.count(at);
    this.triangles -= Math.floor(length / 3);
    if (length % 3 || this.triangles < 0) throw refuse("its triangles are incomplete or too many");
    if (at === null) return Uint32Array.from({ length }, (_, i) => i);
    const list = this.reader.integers(at, 1);
    if (list.some((vertex) => vertex >= count)) throw refuse("a triangle points to no vertex");
    return list;
  }

  private shapeNames(mesh: Json): string[] {
    const names = fields.object(mesh, "extras").targetNames ?? [];
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
      throw refuse("'targetNames' is not a list of names");
    }
    return names;
  }

  private morphs(primitive: Json, names: readonly string[], count: number): Map<number, Morph> {
    const targets = fields.objects(primitive, "targets");
    if (targets.length > LIMITS.shapesPerMesh || (names.length && names.length !== targets.length)) {
      throw refuse("it has too many shapes, or shapes without names");
    }
    const out = new Map<number, Morph>();
    targets.forEach((target, i) => {
      const name = names[i] ?? "";
      const at = fields.optionalIndex(target, "POSITION", this.reader.accessors);
      // Other people's rigs also carry visemes and shapes of their own.
      if (!Object.hasOwn(ARKIT_INDEX, name) || at === null) return;
      if (this.reader.count(at) !== count) throw refuse(`shape '${name}' has another length than its mesh`);
      const morph = this.reader.morph(at);
      if (morph.indices.length) out.set(ARKIT_INDEX[name as ArkitName], morph);
    });
    return out;
  }

  /** What carries the vertices: shares of neck and head, and the rest matrices; `pick(v)` chooses one of them. */
  private carriers(
    placed: Placed,
    attributes: Json,
    weights: Float32Array | null,
    count: number,
  ): { shares: Float32Array; matrices: (v: number) => Matrix; pick: boolean } {
    const shares = new Float32Array(2 * count);
    const skin = fields.optionalIndex(placed.node, "skin", this.scene.skins);
    if (skin === null || !weights) {
      const [neck, head] = placed.joint === null ? [0, 1] : this.jointShares[placed.joint]!;
      for (let v = 0; v < count; v++) shares.set([neck, head], 2 * v);
      return { shares, matrices: () => placed.world, pick: false };
    }
    const { numbers, rest } = this.scene.skin(skin);
    const slots = this.reader.integers(fields.index(attributes, "JOINTS_0", this.reader.accessors), 4);
    if (slots.length !== 4 * count) throw refuse("JOINTS_0 has another length than POSITION");
    const blended = new Float64Array(12);
    for (let v = 0; v < count; v++) {
      let total = 0;
      for (let k = 0; k < 4; k++) {
        if (weights[4 * v + k]! < 0) throw refuse("a joint weight is negative");
        total += weights[4 * v + k]!;
      }
      if (total < 1e-3) throw refuse("a vertex hangs on no joint");
      for (let k = 0; k < 4; k++) {
        const weight = (weights[4 * v + k]! /= total);
        if (weight === 0) continue;
        const slot = slots[4 * v + k]!;
        if (slot >= numbers.length) throw refuse("a vertex hangs on a joint that does not exist");
        const [neck, head] = this.jointShares[numbers[slot]!]!;
        shares[2 * v]! += weight * neck;
        shares[2 * v + 1]! += weight * head;
      }
    }
    const matrices = (v: number): Matrix => {
      blended.fill(0);
      for (let k = 0; k < 4; k++) {
        const weight = weights[4 * v + k]!;
        if (weight === 0) continue;
        const matrix = rest[slots[4 * v + k]!]!;
        for (let i = 0; i < 12; i++) blended[i]! += weight * matrix[i]!;
      }
      return blended;
    };
    return { shares, matrices, pick: true };
  }

  private material(primitive: Json): Material {
    const materials = fields.objects(this.document, "materials");
    const at = fields.optionalIndex(primitive, "material", materials);
    const item = at === null ? {} : materials[at]!;
    const surface = fields.object(item, "pbrMetallicRoughness");
    const kind = fields.object(fields.object(item, "extras"), "avatarkit").kind;
    const clamp = (x: number): number => Math.min(Math.max(x, 0), 1);
    const [r, g, b, a] = fields.numbers(surface, "baseColorFactor", [1, 1, 1, 1] as const);
    return {
      name: fields.text(item, "name", `material ${at}`, LIMITS.textLength),
      kind: (KINDS.includes(kind as string) ? kind : "matte") as MaterialKind,
      baseColor: [clamp(r), clamp(g), clamp(b), clamp(a)],
      roughness: at === null ? 0.6 : clamp(fields.number(surface, "roughnessFactor", 1)),
      texture: this.texture(surface, "baseColorTexture"),
      normalTexture: this.texture(item, "normalTexture"),
      doubleSided: item.doubleSided === true,
      alphaCutoff: item.alphaMode === "MASK" ? clamp(fields.number(item, "alphaCutoff", 0.5)) : null,
    };
  }

  private texture(owner: Json, name: string): number | null {
    if (!(name in owner)) return null;
    const textures = fields.objects(this.document, "textures");
    const texture = textures[fields.index(fields.object(owner, name), "index", textures)]!;
    const image = fields.index(texture, "source", fields.objects(this.document, "images"));
    if (!this.used.includes(image)) this.used.push(image);
    if (this.used.length > LIMITS.textures) throw refuse(`it holds more than ${LIMITS.textures} textures`);
    return this.used.indexOf(image);
  }

  private images(): EncodedImage[] {
    const images = fields.objects(this.document, "images");
    const views = fields.objects(this.document, "bufferViews");
    return this.used.map((number) => {
      const image = images[number]!;
      if ("uri" in image) throw refuse("it uses data outside the file");
      return {
        mimeType: fields.text(image, "mimeType", ""),
        bytes: this.reader.viewBytes(fields.index(image, "bufferView", views)),
      };
    });
  }
}

/** For each joint its share of neck and head: by itself or by a parent. */
function jointShares(joints: readonly { name: string; parent: number | null }[]): [number, number][] {
  const out: [number, number][] = [];
  joints.forEach(({ name, parent }, i) => {
    if (name === "head" || name === "neck") out[i] = name === "head" ? [0, 1] : [1, 0];
    else out[i] = parent === null ? [0, 0] : out[parent]!;
  });
  return out;
}

/** Bring a mesh to where it stands in avatar space. Returns whether that mirrored it. */
function move(
  part: { positions: Float32Array; normals: Float32Array; morphs: ReadonlyMap<number, Morph> },
  matrixOf: (v: number) => Matrix,
  each: boolean,
): boolean {
  const { positions, normals, morphs } = part;
  let mirrored = 0;
  let turn = cofactors(matrixOf(0));
  for (let v = 0; v < positions.length / 3; v++) {
    const m = matrixOf(v);
    if (each) turn = cofactors(m);
    if (Math.abs(turn.determinant) < 1e-18) throw refuse("a node flattens its mesh");
    if (turn.determinant < 0) mirrored++;
    const sign = Math.sign(turn.determinant);
    turned(positions, v, (r, c) => m[4 * r + c]!, [m[3]!, m[7]!, m[11]!]);
    turned(normals, v, (r, c) => sign * turn.matrix[3 * r + c]!, [0, 0, 0]);
    const length = Math.max(Math.hypot(normals[3 * v]!, normals[3 * v + 1]!, normals[3 * v + 2]!), 1e-12);
    for (let c = 0; c < 3; c++) normals[3 * v + c]! /= length;
  }
  for (const morph of morphs.values()) {
    morph.indices.forEach((v, i) => {
      const m = matrixOf(v);
      turned(morph.deltas, i, (r, c) => m[4 * r + c]!, [0, 0, 0]);
    });
  }
  return mirrored > positions.length / 6;
}

function turned(
  values: Float32Array,
  i: number,
  at: (row: number, column: number) => number,
  [ox, oy, oz]: readonly [number, number, number],
): void {
  const x = values[3 * i]!;
  const y = values[3 * i + 1]!;
  const z = values[3 * i + 2]!;
  values[3 * i] = at(0, 0) * x + at(0, 1) * y + at(0, 2) * z + ox;
  values[3 * i + 1] = at(1, 0) * x + at(1, 1) * y + at(1, 2) * z + oy;
  values[3 * i + 2] = at(2, 0) * x + at(2, 1) * y + at(2, 2) * z + oz;
}

function withAlpha(rgb: Float32Array): Float32Array {
  const out = new Float32Array((rgb.length / 3) * 4).fill(1);
  for (let i = 0; i < rgb.length / 3; i++) out.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return out;
}

function readInfo(document: Json): BundleInfo {
  const asset = fields.object(document, "asset");
  const own = fields.object(fields.object(asset, "extras"), "avatarkit");
  const camera = fields.object(own, "camera");
  const info: BundleInfo = {
    name: fields.text(own, "name", "Imported avatar"),
    license: fields.text(own, "license", "unknown"),
    author: fields.text(own, "author", fields.text(asset, "copyright", "unknown")),
    minimumSdk: fields.text(own, "minimumSdk", "0.1.0"),
    camera: {
      position: fields.numbers(camera, "position", [0, 0, 0.9] as const),
      target: fields.numbers(camera, "target", [0, 0, 0] as const),
      fov: fields.number(camera, "verticalFovDegrees", 24),
    },
    background: fields.numbers(own, "background", [0.86, 0.88, 0.91] as const),
  };
  if (isNewer(info.minimumSdk, VERSION)) {
    throw error(ErrorCode.unsupportedAvatarAsset, `The avatar '${info.name}' needs SDK ${info.minimumSdk.slice(0, 40)} or newer.`);
  }
  return info;
}
