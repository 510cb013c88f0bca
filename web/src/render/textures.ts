import { LinearFilter, LinearMipmapLinearFilter, NoColorSpace, RepeatWrapping, SRGBColorSpace, Texture } from "three";
import type { Bundle } from "../bundle/bundle.js";
import { refuse } from "../bundle/fields.js";
import { LIMITS } from "../bundle/limits.js";

/** Decode a bundle's pictures. Throws `unsupportedAvatarAsset` for what is no picture, or is too large. */
export async function loadTextures(bundle: Bundle, anisotropy: number): Promise<Texture[]> {
  const plain = new Set(bundle.meshes.map((mesh) => mesh.material.normalTexture));
  let left: number = LIMITS.texturePixels;
  const decoded = await Promise.all(
    bundle.images.map(async ({ bytes, mimeType }) => {
      const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: mimeType });
      try {
        return await createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
      } catch {
        throw refuse("a texture cannot be decoded");
      }
    }),
  );
  return decoded.map((image, i) => {
    left -= image.width * image.height;
    if (left < 0 || Math.max(image.width, image.height) > LIMITS.textureSide) throw refuse("its textures are too large");
    const texture = new Texture(image);
    texture.flipY = false;
    texture.wrapS = texture.wrapT = RepeatWrapping;
    texture.magFilter = LinearFilter;
    texture.minFilter = LinearMipmapLinearFilter;
    texture.generateMipmaps = true;
    texture.anisotropy = anisotropy; // hair is drawn at grazing angles
    texture.colorSpace = plain.has(i) ? NoColorSpace : SRGBColorSpace;
    texture.needsUpdate = true;
    return texture;
  });
}
