/**
 * An avatar in memory. Space: metres, right-handed, +Y up; the avatar faces +Z. Vertex colours are linear,
 * textures sRGB.
 */

import type { CameraConfig } from "../types.js";

/** How a surface answers light; `photo` holds it already. Files from elsewhere get `matte`. */
export type MaterialKind = "skin" | "eye" | "teeth" | "mouth" | "hair" | "lash" | "cloth" | "matte" | "photo";

/** A surface; `texture` and `normalTexture` are indices into {@link Bundle.images}. */
export interface Material {
  readonly name: string;
  readonly kind: MaterialKind;
  /** Linear RGBA factor. */
  readonly baseColor: readonly [number, number, number, number];
  readonly roughness: number;
  readonly texture: number | null;
  readonly normalTexture: number | null;
  readonly doubleSided: boolean;
  /** Pixels whose alpha is below it are not drawn. */
  readonly alphaCutoff: number | null;
}

/** A shape, sparse: at weight 1 it moves `indices` (k, ascending) by `deltas` (k x 3, metres). */
export interface Morph {
  readonly indices: Uint32Array;
  readonly deltas: Float32Array;
}

/** One drawable part: n vertices, one material. */
export interface Mesh {
  readonly name: string;
  /** n x 3, metres. */
  readonly positions: Float32Array;
  /** n x 3, unit length. */
  readonly normals: Float32Array;
  readonly triangles: Uint32Array;
  readonly material: Material;
  readonly uv: Float32Array | null;
  /** n x 4, linear. */
  readonly colors: Float32Array | null;
  /** ARKit column and shape. */
  readonly morphs: ReadonlyMap<number, Morph>;
  /** n x 2: shares of each vertex that follow the neck and the head joint; the rest stays. */
  readonly shares: Float32Array;
}

/** What a bundle says about itself. */
export interface BundleInfo {
  readonly name: string;
  readonly license: string;
  readonly author: string;
  readonly minimumSdk: string;
  readonly camera: CameraConfig;
  /** sRGB 0..1. */
  readonly background: readonly [number, number, number];
}

/** An encoded picture, as it lies in the file. */
export interface EncodedImage {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** An avatar, whole. */
export interface Bundle {
  readonly info: BundleInfo;
  readonly meshes: readonly Mesh[];
  readonly neckPivot: readonly [number, number, number];
  readonly headPivot: readonly [number, number, number];
  readonly images: readonly EncodedImage[];
}
