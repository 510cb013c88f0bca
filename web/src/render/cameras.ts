/** The camera's and the key light's view. */

import { Matrix4, Vector2, Vector3 } from "three";
import type { AvatarTransform, CameraConfig } from "../types.js";
import { LIGHTS } from "./studio.js";

/** World to clip space; the vertical field of view spans the image's height. */
export function cameraMatrix(camera: CameraConfig, canvasAspect: number, { x, y, scale }: AvatarTransform): Matrix4 {
  const aspect = camera.aspect ?? canvasAspect;
  const near = camera.near ?? 0.05;
  const top = near * Math.tan((camera.fov * Math.PI) / 360);
  const projection = new Matrix4().makePerspective(-top * aspect, top * aspect, top, -top, near, camera.far ?? 20);
  const eye = new Vector3(...camera.position);
  const target = new Vector3(...camera.target);
  const forward = target.clone().sub(eye).normalize();
  const up = new Vector3(...(camera.up ?? [0, 1, 0])).normalize();
  if (Math.abs(forward.dot(up)) > 0.999) up.set(0, 0, -Math.sign(forward.y));
  const view = new Matrix4().lookAt(eye, target, up).setPosition(eye).invert();
  const place = new Matrix4().makeScale(scale, scale, 1).setPosition(x, y, 0);
  return place.multiply(projection).multiply(view);
}

/** The key light's orthographic view. */
export interface LightView {
  /** World to texel x, texel y and depth in metres, which grows away from the light. */
  readonly texels: Matrix4;
  /** World to clip space. */
  readonly clip: Matrix4;
  /** Depths, in metres, at the near and the far end of the depth buffer. */
  readonly depths: Vector2;
  /** Side of a texel in metres. */
  readonly texelSize: number;
}

/**
 * The view from the key light onto points (n x 3 each) and a margin around them, for moving; what moves out of it
 * throws no shadow. `size` is the shadow map's side in texels.
 */
export function lightView(points: readonly Float32Array[], margin: number, size: number): LightView {
  const forward = new Vector3(...LIGHTS.KEY).negate();
  const right = new Vector3().crossVectors(forward, new Vector3(0, 1, 0)).normalize();
  const axes = [right, new Vector3().crossVectors(forward, right), forward];
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const list of points) {
    for (let i = 0; i < list.length; i += 3) {
      for (let k = 0; k < 3; k++) {
        const { x, y, z } = axes[k]!;
        const at = x * list[i]! + y * list[i + 1]! + z * list[i + 2]!;
        low[k] = Math.min(low[k]!, at);
        high[k] = Math.max(high[k]!, at);
      }
    }
  }
  const side = Math.max(high[0]! - low[0]!, high[1]! - low[1]!) + 2 * margin;
  const depth = high[2]! - low[2]! + 2 * margin;
  const middle = low.map((x, k) => (x + high[k]!) / 2);
  const rows = (sideways: number, deep: number, shift: number): Matrix4 => {
    const row = (k: number, by: number, offset: number): [number, number, number, number] => {
      const { x, y, z } = axes[k]!;
      return [x * by, y * by, z * by, offset - middle[k]! * by];
    };
    return new Matrix4().set(...row(0, sideways, shift), ...row(1, sideways, shift), ...row(2, deep, 0), 0, 0, 0, 1);
  };
  return {
    texels: rows(size / side, 1, size / 2),
    clip: rows(2 / side, 2 / depth, 0),
    depths: new Vector2(-depth / 2, depth / 2),
    texelSize: side / size,
  };
}
