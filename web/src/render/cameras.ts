/** The camera's and the key light's view. */

import { Matrix4, Vector3 } from "three";
import type { AvatarTransform, CameraConfig } from "../types.js";
import { KEY_DIRECTION } from "./studio.js";

/** World to clip space; the vertical field of view spans the image's height. */
export function cameraMatrix(camera: CameraConfig, aspect: number, { x, y, scale }: AvatarTransform): Matrix4 {
  const near = camera.near ?? 0.05;
  const top = near * Math.tan((camera.fov * Math.PI) / 360);
  const projection = new Matrix4().makePerspective(-top * aspect, top * aspect, top, -top, near, camera.far ?? 20);
  const eye = new Vector3(...camera.position);
  const target = new Vector3(...camera.target);
  const forward = target.clone().sub(eye).normalize();
  const up = Math.abs(forward.y) < 0.999 ? new Vector3(0, 1, 0) : new Vector3(0, 0, -Math.sign(forward.y));
  const view = new Matrix4().lookAt(eye, target, up).setPosition(eye).invert();
  const place = new Matrix4().makeScale(scale, scale, 1).setPosition(x, y, 0);
  return place.multiply(projection).multiply(view);
}

/** The key light's orthographic view onto a sphere. */
export interface LightView {
  /** World to texel x, texel y and depth in metres, which grows away from the light. */
  readonly texels: Matrix4;
  /** World to clip space. */
  readonly clip: Matrix4;
  /** Metres from the nearest to the farthest depth. */
  readonly depth: number;
}

/** See {@link LightView}; `size` is the shadow map's side in texels. */
export function lightView(center: Vector3, radius: number, size: number): LightView {
  const forward = new Vector3(...KEY_DIRECTION).negate();
  const right = new Vector3().crossVectors(forward, new Vector3(0, 1, 0)).normalize();
  const down = new Vector3().crossVectors(forward, right);
  const rows = (sideways: number, deep: number, shift: number, start: number): Matrix4 => {
    const axis = (v: Vector3, by: number, offset: number): [number, number, number, number] => [
      v.x * by,
      v.y * by,
      v.z * by,
      offset - v.dot(center) * by,
    ];
    return new Matrix4().set(
      ...axis(right, sideways, shift),
      ...axis(down, sideways, shift),
      ...axis(forward, deep, start),
      0, 0, 0, 1,
    );
  };
  return {
    texels: rows(size / (2 * radius), 1, size / 2, radius),
    clip: rows(1 / radius, 1 / radius, 0, 0),
    depth: 2 * radius,
  };
}
