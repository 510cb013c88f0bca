/** One mesh of the avatar on the GPU. */

import {
  BackSide,
  BufferAttribute,
  BufferGeometry,
  CustomBlending,
  DoubleSide,
  DynamicDrawUsage,
  FrontSide,
  GLSL3,
  Mesh,
  NoBlending,
  OneFactor,
  OneMinusSrcAlphaFactor,
  RawShaderMaterial,
  type IUniform,
  type Texture,
} from "three";
import type { MaterialKind, Mesh as BundleMesh } from "../bundle/bundle.js";
import { Deformer } from "../bundle/deform.js";
import { tangents } from "../bundle/tangents.js";
import { FRAGMENT, SHADOW_FRAGMENT, SHADOW_VERTEX, VERTEX } from "./shaders.js";
import { responseOf } from "./studio.js";

// From outside to inside, so that what is hidden is not lit.
const ORDER: readonly MaterialKind[] = ["photo", "hair", "cloth", "skin", "lash", "eye", "matte", "teeth", "mouth"];

/** Uniforms that all parts share by reference. */
export type SharedUniforms = Record<string, IUniform>;

/** A mesh, its look, and its shadow. */
export class Part {
  readonly mesh: Mesh;
  readonly shadow: Mesh | null;
  private readonly geometry = new BufferGeometry();
  private readonly deformer: Deformer;

  constructor(source: BundleMesh, textures: readonly Texture[], shared: SharedUniforms) {
    this.deformer = new Deformer(source);
    const dynamic = source.morphs.size > 0;
    this.attribute("position", this.deformer.positions, 3, dynamic);
    this.attribute("normal", this.deformer.normals, 3, dynamic);
    this.attribute("share", source.shares, 2);
    this.geometry.setIndex(new BufferAttribute(compact(source.triangles, source.positions.length / 3), 1));
    const along = tangents(source);
    if (source.uv) this.attribute("uv", source.uv, 2);
    if (source.colors) {
      const bytes = Uint8Array.from(source.colors, (x) => Math.round(x * 255));
      this.geometry.setAttribute("color", new BufferAttribute(bytes, 4, true));
    }
    if (along) this.attribute("tangent", along, 4);

    const { material } = source;
    const defines: Record<string, number | string> = { SHADOW_TAPS: 4 };
    const picture = source.uv && material.texture !== null ? textures[material.texture]! : null;
    const bumps = along && source.uv && material.normalTexture !== null ? textures[material.normalTexture]! : null;
    if (source.uv) defines.HAS_UV = "";
    if (source.colors) defines.HAS_COLOR = "";
    if (along) defines.HAS_TANGENT = "";
    if (picture) defines.HAS_TEXTURE = "";
    if (bumps) defines.HAS_BUMPS = "";
    if (material.kind === "hair") defines.IS_HAIR = "";
    const isPhoto = material.kind === "photo";
    const isSoft = isPhoto && material.alphaCutoff !== null;
    if (isPhoto) defines.IS_PHOTO = "";
    if (isSoft) defines.IS_SOFT = "";
    const uniforms: Record<string, IUniform> = {
      ...shared,
      m: { value: responseOf(material) },
      baseColor: { value: material.baseColor },
      cutoff: { value: material.alphaCutoff ?? -1 },
      picture: { value: picture },
      bumps: { value: bumps },
    };
    const look = { glslVersion: GLSL3, blending: NoBlending } as const;
    const blended = { blending: CustomBlending, blendSrc: OneFactor, blendDst: OneMinusSrcAlphaFactor } as const;
    this.mesh = new Mesh(
      this.geometry,
      new RawShaderMaterial({
        ...look,
        ...(isSoft && blended),
        vertexShader: VERTEX,
        fragmentShader: FRAGMENT,
        side: material.doubleSided ? DoubleSide : FrontSide,
        defines,
        uniforms,
      }),
    );
    this.mesh.frustumCulled = false;
    // A soft edge blends with what is behind it, so that has to be there.
    this.mesh.renderOrder = isSoft ? ORDER.length : ORDER.indexOf(material.kind);
    this.shadow = null;
    // Lashes and brows, and what is cut out by alpha, are thinner than a texel of the shadow map: their shadow would
    // be noise, or solid. What lies within the head throws its shadow where nobody sees it.
    if (!["lash", "eye", "teeth", "mouth"].includes(material.kind) && material.alphaCutoff === null) {
      this.shadow = new Mesh(
        this.geometry,
        new RawShaderMaterial({
          ...look,
          vertexShader: SHADOW_VERTEX,
          fragmentShader: SHADOW_FRAGMENT,
          // The light's view counts y downwards, so what faces it winds the other way round.
          side: material.doubleSided ? DoubleSide : BackSide,
          uniforms: shared,
        }),
      );
      this.shadow.frustumCulled = false;
    }
  }

  /** Bring the mesh to 52 weights. */
  deform(weights: Float32Array): void {
    if (!this.deformer.apply(weights)) return;
    this.geometry.attributes.position!.needsUpdate = true;
    this.geometry.attributes.normal!.needsUpdate = true;
  }

  /** See `Renderer.setShadowTaps`. */
  setShadowTaps(taps: number): void {
    const material = this.mesh.material as RawShaderMaterial;
    if (material.defines.SHADOW_TAPS === taps) return;
    material.defines.SHADOW_TAPS = taps;
    material.needsUpdate = true;
  }

  dispose(): void {
    this.geometry.dispose();
    (this.mesh.material as RawShaderMaterial).dispose();
    (this.shadow?.material as RawShaderMaterial | undefined)?.dispose();
  }

  private attribute(name: string, values: Float32Array, width: number, dynamic = false): void {
    const attribute = new BufferAttribute(values, width);
    if (dynamic) attribute.setUsage(DynamicDrawUsage);
    this.geometry.setAttribute(name, attribute);
  }
}

function compact(triangles: Uint32Array, vertices: number): Uint16Array | Uint32Array {
  return vertices <= 65535 ? Uint16Array.from(triangles) : triangles;
}
