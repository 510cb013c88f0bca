/** Avatars from files that the page has. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AvatarManager, AvatarSDK } from "../../src/index.js";

const BUNDLE = new URL("../../../src/avatarkit/avatars/builtin/default.glb", import.meta.url);
const manager = new AvatarManager({ fetcher: () => Promise.reject(new Error("nothing is contacted")) });

beforeEach(() => AvatarSDK.initialize("app", { endpoint: "https://avatars.test" }));
afterEach(() => AvatarSDK.cleanup());

test.skipIf(!existsSync(BUNDLE))("a file becomes an avatar with a name of its own, or the one given", async () => {
  const bytes = new Uint8Array(readFileSync(BUNDLE));
  const avatar = await manager.derive(new Blob([bytes]));
  expect(avatar.id).toBe(`local-${avatar.sha256.slice(0, 16)}`);
  expect(avatar.bundle.meshes.length).toBeGreaterThan(3);
  expect(avatar.isFromCache).toBe(false);
  expect((await manager.derive(bytes, "someone")).id).toBe("someone");
  expect(manager.retrieve(avatar.id)).toBeUndefined();
});

test.each([
  ["no glTF", new TextEncoder().encode("hello, this is no glTF file"), undefined, "unsupportedAvatarAsset"],
  ["nothing", new ArrayBuffer(0), undefined, "unsupportedAvatarAsset"],
  ["an impossible id", new ArrayBuffer(0), "\n", "avatarIDUnrecognized"],
] as const)("refuses %s", async (_, file, id, code) => {
  await expect(manager.derive(file as ArrayBuffer, id)).rejects.toMatchObject({ code });
});

test("needs the SDK", async () => {
  AvatarSDK.cleanup();
  await expect(manager.derive(new ArrayBuffer(8))).rejects.toMatchObject({ code: "illegalState" });
});
