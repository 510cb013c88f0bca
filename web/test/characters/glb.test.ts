/** The built-in characters are plain glTF: clean under Khronos' validator, and three.js loads them with their shapes. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { validateBytes } from "gltf-validator";
import { Mesh, SkinnedMesh, Texture, Vector3, type Object3D } from "three";
import { GLTFLoader, type GLTF } from "three/examples/jsm/loaders/GLTFLoader.js";
import { beforeAll, describe, expect, it } from "vitest";
import { ARKIT_NAMES } from "../../src/frames.js";

const FOLDER = fileURLToPath(new URL("../../../src/avatarkit/avatars/builtin/", import.meta.url));
const FILES = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".glb")) : [];
const LARGEST_BYTES = 2_500_000;

function load(bytes: Uint8Array<ArrayBuffer>): Promise<GLTF> {
  // Node has no decoder of pictures; three.js gets blank ones.
  const loader = new GLTFLoader().register(() => ({ name: "blank", loadTexture: async () => new Texture() }));
  return loader.parseAsync(bytes.buffer, "");
}

function meshesOf(root: Object3D): Mesh[] {
  const out: Mesh[] = [];
  root.traverse((item) => void (item instanceof Mesh && out.push(item)));
  return out;
}

describe.skipIf(FILES.length === 0).each(FILES)("%s", (name) => {
  const bytes = new Uint8Array(FILES.length ? readFileSync(FOLDER + name) : []);
  let loaded: GLTF;

  beforeAll(async () => {
    loaded = await load(bytes);
  });

  it("is small", () => {
    expect(bytes.length).toBeLessThanOrEqual(LARGEST_BYTES);
  });

  it("has nothing that Khronos' validator objects to", async () => {
    const { issues } = await validateBytes(bytes, { maxIssues: 20 });
    expect(issues.messages).toEqual([]);
    expect([issues.numErrors, issues.numWarnings, issues.numInfos]).toEqual([0, 0, 0]);
  });

  it("has all 52 shapes in three.js", () => {
    const found = new Set(meshesOf(loaded.scene).flatMap((mesh) => Object.keys(mesh.morphTargetDictionary ?? {})));
    expect([...found].sort()).toEqual([...ARKIT_NAMES].sort());
  });

  it("opens its mouth in three.js", () => {
    const skin = meshesOf(loaded.scene).find((mesh) => mesh.name === "skin")!;
    const jaw = skin.morphTargetDictionary!.jawOpen!;
    const count = skin.geometry.attributes.position!.count;
    const lowest = (weight: number): number => {
      skin.morphTargetInfluences![jaw] = weight;
      skin.updateMatrixWorld(true);
      const point = new Vector3();
      let fall = 0;
      for (let i = 0; i < count; i++) {
        const rest = point.fromBufferAttribute(skin.geometry.attributes.position!, i).y;
        fall = Math.max(fall, rest - skin.getVertexPosition(i, point).y);
      }
      return fall;
    };
    expect(lowest(0)).toBeLessThan(1e-3);
    expect(lowest(1)).toBeGreaterThan(0.015);
  });

  it("has a neck and a head to turn", () => {
    const skin = meshesOf(loaded.scene).find((mesh) => mesh.name === "skin");
    expect(skin).toBeInstanceOf(SkinnedMesh);
    expect((skin as SkinnedMesh).skeleton.bones.map((bone) => bone.name)).toEqual(["root", "neck", "head"]);
  });
});
