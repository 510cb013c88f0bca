/** The node tree of a GLB: where each mesh and joint stands at rest. */

import type { AccessorReader } from "./accessors.js";
import * as fields from "./fields.js";
import { refuse, type Json } from "./fields.js";
import { LIMITS } from "./limits.js";
import { compose, fromColumns, IDENTITY, multiply, type Matrix } from "./matrix.js";

/** A node that shows a mesh. */
export interface Placed {
  readonly node: Json;
  readonly world: Matrix;
  /** Number of the joint that it hangs below, if any. */
  readonly joint: number | null;
}

/** World transforms of the nodes in the file's scene, and the joints of all skins as one skeleton. */
export class Scene {
  readonly skins: Json[];
  private readonly nodes: Json[];
  private readonly parents = new Map<number, number | null>();
  private readonly worlds = new Map<number, Matrix>();
  private readonly order: number[] = [];
  private readonly jointNodes: number[];

  constructor(document: Json, private readonly reader: AccessorReader) {
    this.nodes = fields.objects(document, "nodes");
    this.skins = fields.objects(document, "skins");
    this.walk(document);
    this.jointNodes = this.collectJoints();
  }

  /** Joints at rest: lower-case names, parents by number, positions in metres. */
  joints(): { name: string; parent: number | null; position: [number, number, number] }[] {
    return this.jointNodes.map((node) => {
      const world = this.worlds.get(node)!;
      return {
        name: fields.text(this.nodes[node]!, "name", "", LIMITS.textLength).toLowerCase(),
        parent: this.jointAbove(this.parents.get(node)!),
        position: [world[3]!, world[7]!, world[11]!],
      };
    });
  }

  /** Every node with a mesh, in scene order. */
  placed(): Placed[] {
    return this.order
      .filter((node) => "mesh" in this.nodes[node]!)
      .map((node) => ({ node: this.nodes[node]!, world: this.worlds.get(node)!, joint: this.jointAbove(node) }));
  }

  /** For each joint of a skin: its number in {@link joints}, and its rest matrix. */
  skin(index: number): { numbers: number[]; rest: Matrix[] } {
    const skin = this.skins[index]!;
    const nodes = fields.indices(skin, "joints", this.nodes);
    let stored: Float32Array | null = null;
    if ("inverseBindMatrices" in skin) {
      stored = this.reader.floats(fields.index(skin, "inverseBindMatrices", this.reader.accessors), 16);
      if (stored.length < 16 * nodes.length) throw refuse("a skin has fewer matrices than joints");
    }
    return {
      numbers: nodes.map((node) => this.jointNodes.indexOf(node)),
      rest: nodes.map((node, i) => {
        const world = this.worlds.get(node)!;
        return stored ? multiply(world, fromColumns(stored.subarray(16 * i, 16 * i + 16))) : world;
      }),
    };
  }

  private walk(document: Json): void {
    const scenes = fields.objects(document, "scenes");
    const roots = scenes.length
      ? fields.indices(scenes[fields.index({ scene: document.scene ?? 0 }, "scene", scenes)]!, "nodes", this.nodes)
      : this.nodes.map((_, i) => i);
    const stack = roots.reverse().map((node) => ({ node, parent: null as number | null, above: IDENTITY, depth: 0 }));
    for (let item = stack.pop(); item; item = stack.pop()) {
      const { node, parent, above, depth } = item;
      if (this.parents.has(node)) throw refuse("a node is in the scene twice");
      if (depth > LIMITS.nodeDepth) throw refuse("its nodes are nested too deep");
      const world = multiply(above, local(this.nodes[node]!));
      if (!world.every((x) => Math.abs(x) <= 1e9)) throw refuse("a node is nowhere");
      this.parents.set(node, parent);
      this.worlds.set(node, world);
      this.order.push(node);
      for (const child of fields.indices(this.nodes[node]!, "children", this.nodes).reverse()) {
        stack.push({ node: child, parent: node, above: world, depth: depth + 1 });
      }
    }
  }

  private collectJoints(): number[] {
    const wanted = new Set<number>();
    for (const skin of this.skins) {
      const joints = fields.indices(skin, "joints", this.nodes);
      if (!joints.length) throw refuse("a skin has no joint");
      for (const joint of joints) wanted.add(joint);
    }
    if (wanted.size > LIMITS.joints) throw refuse(`it holds more than ${LIMITS.joints} joints`);
    const found = this.order.filter((node) => wanted.has(node));
    if (found.length !== wanted.size) throw refuse("a joint is not in the scene");
    return found;
  }

  private jointAbove(node: number | null): number | null {
    for (; node !== null; node = this.parents.get(node)!) {
      const joint = this.jointNodes.indexOf(node);
      if (joint >= 0) return joint;
    }
    return null;
  }
}

function local(node: Json): Matrix {
  if ("matrix" in node) return fromColumns(fields.numbers(node, "matrix", new Array<number>(16).fill(0)));
  const quaternion = fields.numbers(node, "rotation", [0, 0, 0, 1] as const);
  const length = Math.hypot(...quaternion);
  if (!(length >= 1e-6) || length === Infinity) throw refuse("a node's rotation is not a rotation");
  const [x, y, z, w] = quaternion.map((value) => value / length);
  return compose(
    fields.numbers(node, "translation", [0, 0, 0] as const),
    [x!, y!, z!, w!],
    fields.numbers(node, "scale", [1, 1, 1] as const),
  );
}
