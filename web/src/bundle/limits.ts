/** What a bundle may hold at most, as in `avatarkit.avatars.limits`; it comes from outside. */
export const LIMITS = {
  jsonBytes: 8 * 1024 * 1024,
  jsonItems: 65_536,
  nodeDepth: 128,
  meshes: 256,
  joints: 512,
  vertices: 1_000_000,
  triangles: 2_000_000,
  shapesPerMesh: 512,
  textures: 16,
  textureSide: 4096,
  texturePixels: 32 * 1024 * 1024,
  decodedBytes: 512 * 1024 * 1024,
  textLength: 1000,
} as const;
