/** Reading glTF accessors: every offset, count and index is checked before a byte is used. */

import * as fields from "./fields.js";
import { refuse, type Json } from "./fields.js";
import { LIMITS } from "./limits.js";
import type { Morph } from "./bundle.js";

type Kind = 5120 | 5121 | 5122 | 5123 | 5125 | 5126;
const BYTES: Record<Kind, number> = { 5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4 };
// glTF 2.0 section 3.6.2.1: signed values map -max..max to -1..1, the lowest one is clamped.
const LARGEST: Partial<Record<Kind, number>> = { 5120: 127, 5121: 255, 5122: 32767, 5123: 65535 };
const WIDTHS: Record<string, number> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 };

interface Layout {
  readonly kind: Kind;
  readonly width: number;
  readonly count: number;
  readonly normalized: boolean;
}

/** Decodes the accessors of one file, within one memory budget. */
export class AccessorReader {
  /** The accessor objects, for range checks of indices that point to them. */
  readonly accessors: Json[];
  private readonly views: Json[];
  private readonly bytes: DataView;
  private left: number = LIMITS.decodedBytes;

  constructor(document: Json, private readonly binary: Uint8Array) {
    this.accessors = fields.objects(document, "accessors");
    this.views = fields.objects(document, "bufferViews");
    this.bytes = new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  }

  /** Elements that accessor `index` has. */
  count(index: number): number {
    return this.layout(this.accessors[index]!).count;
  }

  /** Whether accessor `index` has four components. */
  isVec4(index: number): boolean {
    return this.layout(this.accessors[index]!).width === 4;
  }

  /** count x width, normalised integers decoded, sparse parts applied; all finite. */
  floats(index: number, width: number): Float32Array {
    const accessor = this.accessors[index]!;
    const layout = this.layout(accessor, width);
    const out = this.base(accessor, layout);
    if ("sparse" in accessor) {
      const { where, values } = this.sparse(accessor, layout);
      where.forEach((row, i) => out.set(values.subarray(i * width, (i + 1) * width), row * width));
    }
    if (!out.every(Number.isFinite)) throw refuse("it holds numbers that are not finite");
    return out;
  }

  /** Unsigned integers, count x width. */
  integers(index: number, width: number): Uint32Array {
    const accessor = this.accessors[index]!;
    const layout = this.layout(accessor, width);
    if (!isUnsigned(layout.kind) || "sparse" in accessor) throw refuse("indices are not plain unsigned integers");
    if (!("bufferView" in accessor)) throw refuse("indices are missing");
    const view = fields.index(accessor, "bufferView", this.views);
    return Uint32Array.from(this.rows(view, fields.whole(accessor, "byteOffset", 0), { ...layout, normalized: false }));
  }

  /** The non-zero rows of a VEC3 accessor. */
  morph(index: number): Morph {
    const accessor = this.accessors[index]!;
    const layout = this.layout(accessor, 3);
    if ("sparse" in accessor && !("bufferView" in accessor)) {
      const { where, values } = this.sparse(accessor, layout);
      if (!values.every(Number.isFinite)) throw refuse("it holds numbers that are not finite");
      return { indices: where, deltas: Float32Array.from(values) };
    }
    const dense = this.floats(index, 3);
    const moved: number[] = [];
    for (let i = 0; i < layout.count; i++) {
      if (dense[3 * i] !== 0 || dense[3 * i + 1] !== 0 || dense[3 * i + 2] !== 0) moved.push(i);
    }
    const deltas = new Float32Array(moved.length * 3);
    moved.forEach((row, i) => deltas.set(dense.subarray(3 * row, 3 * row + 3), 3 * i));
    return { indices: Uint32Array.from(moved), deltas };
  }

  /** The bytes of buffer view `index`. */
  viewBytes(index: number): Uint8Array {
    const { offset, length } = this.view(index);
    return this.binary.subarray(offset, offset + length);
  }

  private layout(accessor: Json, width?: number): Layout {
    const kind = fields.whole(accessor, "componentType") as Kind;
    const found = WIDTHS[fields.text(accessor, "type", "", 16)];
    if (!(kind in BYTES) || found === undefined || (width !== undefined && found !== width)) {
      throw refuse("an accessor has an unexpected type");
    }
    const count = fields.whole(accessor, "count", undefined, 1, 3 * LIMITS.triangles);
    return { kind, width: found, count, normalized: accessor.normalized === true };
  }

  private base(accessor: Json, layout: Layout): Float32Array {
    if (!("bufferView" in accessor)) {
      this.spend(layout.count * layout.width * 4);
      return new Float32Array(layout.count * layout.width);
    }
    const view = fields.index(accessor, "bufferView", this.views);
    return Float32Array.from(this.rows(view, fields.whole(accessor, "byteOffset", 0), layout));
  }

  private sparse(accessor: Json, layout: Layout): { where: Uint32Array; values: Float64Array } {
    const sparse = fields.object(accessor, "sparse");
    const count = fields.whole(sparse, "count", undefined, 1, layout.count);
    const whereAt = fields.object(sparse, "indices");
    const valuesAt = fields.object(sparse, "values");
    const kind = fields.whole(whereAt, "componentType") as Kind;
    if (!isUnsigned(kind)) throw refuse("sparse indices are not unsigned integers");
    const where = Uint32Array.from(
      this.rows(fields.index(whereAt, "bufferView", this.views), fields.whole(whereAt, "byteOffset", 0), {
        kind,
        width: 1,
        count,
        normalized: false,
      }),
    );
    for (let i = 0; i < count; i++) {
      if (where[i]! >= layout.count || (i > 0 && where[i]! <= where[i - 1]!)) {
        throw refuse("sparse indices are out of range or order");
      }
    }
    const values = this.rows(fields.index(valuesAt, "bufferView", this.views), fields.whole(valuesAt, "byteOffset", 0), {
      ...layout,
      count,
    });
    return { where, values };
  }

  private view(index: number): { offset: number; length: number; stride: number } {
    const view = this.views[index]!;
    if (fields.whole(view, "buffer") !== 0) throw refuse("it uses data outside the file");
    const offset = fields.whole(view, "byteOffset", 0);
    const length = fields.whole(view, "byteLength", undefined, 1);
    if (offset + length > this.binary.length) throw refuse("a buffer view reaches past the end of the data");
    return { offset, length, stride: fields.whole(view, "byteStride", 0, 0, 252) };
  }

  private rows(viewIndex: number, start: number, layout: Layout): Float64Array {
    const view = this.view(viewIndex);
    const { kind, width, count, normalized } = layout;
    const size = BYTES[kind];
    const stride = view.stride || size * width;
    if (stride < size * width || start + (count - 1) * stride + size * width > view.length) {
      throw refuse("an accessor reaches past the end of its buffer view");
    }
    this.spend(count * width * 8);
    const out = new Float64Array(count * width);
    const scale = normalized ? 1 / (LARGEST[kind] ?? 1) : 1;
    const read = READ[kind].bind(this.bytes);
    for (let i = 0, o = 0; i < count; i++) {
      const at = view.offset + start + i * stride;
      for (let c = 0; c < width; c++) out[o++] = Math.max(read(at + c * size, true) * scale, normalized ? -1 : -Infinity);
    }
    return out;
  }

  private spend(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0) throw refuse(`it decodes to more than ${LIMITS.decodedBytes >> 20} MB`);
  }
}

const READ: Record<Kind, (this: DataView, at: number, little: boolean) => number> = {
  5120: DataView.prototype.getInt8,
  5121: DataView.prototype.getUint8,
  5122: DataView.prototype.getInt16,
  5123: DataView.prototype.getUint16,
  5125: DataView.prototype.getUint32,
  5126: DataView.prototype.getFloat32,
};

function isUnsigned(kind: Kind): boolean {
  return kind === 5121 || kind === 5123 || kind === 5125;
}
