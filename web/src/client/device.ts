import type { DeviceScore, DeviceSupport } from "../types.js";

const REFERENCE_CPU_MS = 6; // a laptop of 2020
const REFERENCE_GPU_MS = 4;
const LEAST_SCORE = 0.04;

let measured: Promise<DeviceScore> | null = null;

/** Whether this browser can show an avatar at a useful pace. */
export async function checkSupport(): Promise<DeviceSupport> {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return "renderNotSupported";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  const { cpuScore, gpuScore } = await measureDevice();
  return Math.min(cpuScore, gpuScore) < LEAST_SCORE ? "insufficientPerformance" : "supported";
}

/** One benchmark run a page, some 30 ms long. */
export function measureDevice(): Promise<DeviceScore> {
  measured ??= Promise.resolve().then(() => ({
    cpuScore: REFERENCE_CPU_MS / Math.max(cpuMs(), 0.1),
    gpuScore: REFERENCE_GPU_MS / Math.max(gpuMs(), 0.1),
  }));
  return measured;
}

/** Sparse sums, as deforming a face takes them. */
function cpuMs(): number {
  const values = new Float32Array(60_000);
  const deltas = Float32Array.from(values, (_, i) => Math.sin(i));
  const work = (): void => {
    for (let shape = 0; shape < 40; shape++) for (let i = 0; i < values.length; i++) values[i]! += 0.01 * deltas[i]!;
  };
  work(); // compiled now
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** Fills 512 x 512 pixels some times with a shader of moderate length, read back to wait for it. */
function gpuMs(): number {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 512;
  const gl = canvas.getContext("webgl2");
  if (!gl) return Infinity;
  const program = gl.createProgram();
  const add = (kind: number, source: string): void => {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, `#version 300 es\nprecision highp float;\n${source}`);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  };
  add(gl.VERTEX_SHADER, "void main(){gl_Position=vec4(gl_VertexID==1?3.:-1.,gl_VertexID==2?3.:-1.,0.,1.);}");
  add(gl.FRAGMENT_SHADER, "out vec4 c;void main(){vec3 x=gl_FragCoord.xyz;for(int i=0;i<24;i++)x=sin(x*1.1+float(i));c=vec4(x,1.);}");
  gl.linkProgram(program);
  gl.useProgram(program);
  const pixel = new Uint8Array(4);
  const frame = (): void => {
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  };
  frame(); // compiled now
  const began = performance.now();
  for (let i = 0; i < 4; i++) frame();
  const took = performance.now() - began;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return took;
}
