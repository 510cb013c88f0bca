/** Draws one avatar with three.js on WebGL2, with the look of the Python renderers. */

import {
  Box3,
  Color,
  DepthTexture,
  Matrix4,
  LessCompare,
  LinearFilter,
  NoToneMapping,
  OrthographicCamera,
  Scene,
  UnsignedIntType,
  Vector2,
  Vector3,
  WebGLRenderer,
  WebGLRenderTarget,
  type Texture,
} from "three";
import type { Bundle } from "../bundle/bundle.js";
import { headTransforms } from "../bundle/head.js";
import type { Matrix } from "../bundle/matrix.js";
import { agreed } from "../bundle/pairs.js";
import { error, ErrorCode } from "../errors.js";
import type { Pose } from "../frames.js";
import type { AvatarTransform, CameraConfig, RenderQuality } from "../types.js";
import { cameraMatrix, lightView } from "./cameras.js";
import { Part } from "./part.js";
import { loadTextures } from "./textures.js";

const SHADOW_TEXELS = 512;
const SHADOW_MARGIN_M = 0.04; // how far, about, the avatar moves out of the volume it takes at rest

/** How the avatar shall be shown. */
export interface Framing {
  readonly camera: CameraConfig;
  readonly transform: AvatarTransform;
}

/** What an avatar is drawn with. One canvas each. */
export class Renderer {
  private readonly gl: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly shadowScene = new Scene();
  private readonly anyCamera = new OrthographicCamera(); // the shaders bring their own matrices
  private readonly shadowMap: WebGLRenderTarget;
  private readonly uniforms;
  private parts: Part[] = [];
  private textures: Texture[] = [];
  private bundle: Bundle | null = null;
  private bounds = new Box3();
  private hasShadows = true;

  /** `quality` decides once about smooth edges and sharp textures. Throws `playbackInitFailed` without WebGL2. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly quality: RenderQuality = "ultra",
  ) {
    try {
      const antialias = quality !== "standard";
      this.gl = new WebGLRenderer({ canvas, alpha: true, antialias, powerPreference: "high-performance" });
    } catch (cause) {
      throw error(ErrorCode.playbackInitFailed, "This browser offers no WebGL2.", { cause, retryable: false });
    }
    this.gl.setClearColor(new Color(0), 0);
    this.gl.toneMapping = NoToneMapping;
    this.gl.debug.checkShaderErrors = false; // would wait for the GPU
    const depthTexture = new DepthTexture(SHADOW_TEXELS, SHADOW_TEXELS, UnsignedIntType);
    depthTexture.minFilter = depthTexture.magFilter = LinearFilter;
    depthTexture.compareFunction = LessCompare;
    this.shadowMap = new WebGLRenderTarget(SHADOW_TEXELS, SHADOW_TEXELS, { depthTexture });
    this.uniforms = {
      neck: { value: new Matrix4() },
      head: { value: new Matrix4() },
      camera: { value: new Matrix4() },
      eye: { value: new Vector3() },
      light: { value: new Matrix4() },
      lightClip: { value: new Matrix4() },
      lightDepths: { value: new Vector2() },
      texelSize: { value: 0 },
      shadowMap: { value: depthTexture },
    };
  }

  /** Take a bundle. Throws `unsupportedAvatarAsset` for pictures that cannot be used. */
  async load(bundle: Bundle): Promise<void> {
    this.textures = await loadTextures(bundle, this.quality === "ultra" ? 4 : 1);
    this.bundle = bundle;
    this.parts = bundle.meshes.map((mesh) => new Part(mesh, this.textures, this.uniforms));
    this.bounds = new Box3();
    for (const part of this.parts) {
      this.scene.add(part.mesh);
      if (part.shadow) this.shadowScene.add(part.shadow);
      part.mesh.geometry.computeBoundingBox();
      this.bounds.union(part.mesh.geometry.boundingBox!);
    }
    const view = lightView(bundle.meshes.map((mesh) => mesh.positions), SHADOW_MARGIN_M, SHADOW_TEXELS);
    this.uniforms.light.value.copy(view.texels);
    this.uniforms.lightClip.value.copy(view.clip);
    this.uniforms.lightDepths.value.copy(view.depths);
    this.uniforms.texelSize.value = view.texelSize;
  }

  /** The shadow's filter: 4 is soft, 1 a single comparison, 0 draws no shadows. */
  setShadowTaps(taps: number): void {
    this.hasShadows = taps > 0;
    for (const part of this.parts) part.setShadowTaps(taps);
  }

  /** Width and height of the canvas in pixels. */
  resize(width: number, height: number): void {
    if (this.canvas.width !== width || this.canvas.height !== height) this.gl.setSize(width, height, false);
  }

  /** Draw a pose. Does nothing before {@link load}. */
  draw(pose: Pose, { camera, transform }: Framing): void {
    if (!this.bundle) return;
    const { neck, head } = headTransforms(this.bundle.neckPivot, this.bundle.headPivot, pose.head);
    setMatrix(this.uniforms.neck.value, neck);
    setMatrix(this.uniforms.head.value, head);
    this.uniforms.eye.value.set(...camera.position);
    this.uniforms.camera.value.copy(cameraMatrix(camera, this.canvas.width / this.canvas.height, transform));
    const weights = agreed(pose.weights);
    for (const part of this.parts) part.deform(weights);
    if (this.hasShadows) {
      this.gl.setRenderTarget(this.shadowMap);
      this.gl.render(this.shadowScene, this.anyCamera);
      this.gl.setRenderTarget(null);
    }
    this.gl.render(this.scene, this.anyCamera);
  }

  /** The avatar's box in clip space (-1..1, y up) at rest, or `null` before {@link load}. */
  clipBox({ camera, transform }: Framing): { left: number; right: number; bottom: number; top: number } | null {
    if (!this.bundle) return null;
    const matrix = cameraMatrix(camera, this.canvas.width / this.canvas.height, transform);
    const box = new Box3();
    const { min, max } = this.bounds;
    for (let corner = 0; corner < 8; corner++) {
      const point = new Vector3(corner & 1 ? max.x : min.x, corner & 2 ? max.y : min.y, corner & 4 ? max.z : min.z);
      box.expandByPoint(point.applyMatrix4(matrix));
    }
    return { left: box.min.x, right: box.max.x, bottom: box.min.y, top: box.max.y };
  }

  /** Release everything, the WebGL context included. Idempotent. */
  dispose(): void {
    for (const part of this.parts) part.dispose();
    for (const texture of this.textures) {
      texture.dispose();
      (texture.image as ImageBitmap).close();
    }
    this.parts = [];
    this.textures = [];
    this.bundle = null;
    this.scene.clear();
    this.shadowScene.clear();
    this.shadowMap.depthTexture?.dispose();
    this.shadowMap.dispose();
    this.gl.dispose();
    this.gl.forceContextLoss(); // browsers keep a handful of contexts at most
  }
}

function setMatrix(to: Matrix4, m: Matrix): void {
  to.set(
    m[0]!, m[1]!, m[2]!, m[3]!,
    m[4]!, m[5]!, m[6]!, m[7]!,
    m[8]!, m[9]!, m[10]!, m[11]!,
    0, 0, 0, 1,
  );
}
