/** Downloaded avatars in the browser's Cache Storage: bundles by content, one small record for each avatar id. */

import { log } from "../log.js";
import { sha256Hex } from "../transport/library.js";
import type { AvatarMetadata } from "../transport/metadata.js";

const NAME = "avatarkit-v1";

/**
 * Avatars of one server and app. Where the browser offers no storage (private windows, plain http), nothing is
 * kept and nothing fails.
 */
export class AvatarCache {
  constructor(private readonly scope: string) {}

  /** What was last recorded about an avatar, or `null`. */
  async find(id: string): Promise<AvatarMetadata | null> {
    const reply = await this.quietly((cache) => cache.match(this.recordUrl(id)));
    return reply ? ((await reply.json()) as AvatarMetadata) : null;
  }

  /** Remember what the server said about an avatar. */
  async record(metadata: AvatarMetadata): Promise<void> {
    await this.quietly((cache) => cache.put(this.recordUrl(metadata.id), Response.json(metadata)));
  }

  /** A bundle whose content still has its hash, or `null`; a damaged one is deleted. */
  async bundle(sha256: string): Promise<Uint8Array | null> {
    const reply = await this.quietly((cache) => cache.match(bundleUrl(sha256)));
    if (!reply) return null;
    const bytes = new Uint8Array(await reply.arrayBuffer());
    if ((await sha256Hex(bytes)) === sha256) return bytes;
    log.warning("a cached avatar was damaged and is downloaded again");
    await this.quietly((cache) => cache.delete(bundleUrl(sha256)));
    return null;
  }

  /** Keep a bundle. */
  async keep(sha256: string, bytes: Uint8Array): Promise<void> {
    const body = new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "Content-Type": "model/gltf-binary" } });
    await this.quietly((cache) => cache.put(bundleUrl(sha256), body));
  }

  /** Delete one avatar, or all of this server and app; bundles that no record names any more go with them. */
  async clear(id?: string): Promise<void> {
    await this.quietly(async (cache) => {
      const isMine = (url: string): boolean => (id === undefined ? url.startsWith(this.prefix) : url === this.recordUrl(id));
      const named = new Set<string>();
      for (const request of await cache.keys()) {
        if (!request.url.startsWith(`${ORIGIN}/record/`)) continue;
        if (isMine(request.url)) await cache.delete(request);
        else named.add(((await (await cache.match(request))?.json()) as AvatarMetadata | undefined)?.sha256 ?? "");
      }
      for (const request of await cache.keys()) {
        const sha256 = request.url.split("/bundle/")[1];
        if (sha256 !== undefined && !named.has(sha256)) await cache.delete(request);
      }
    });
  }

  private get prefix(): string {
    return `${ORIGIN}/record/${encodeURIComponent(this.scope)}/`;
  }

  private recordUrl(id: string): string {
    return this.prefix + encodeURIComponent(id);
  }

  private async quietly<T>(work: (cache: Cache) => Promise<T>): Promise<T | undefined> {
    try {
      if (!globalThis.caches) return undefined;
      return await work(await caches.open(NAME));
    } catch (reason) {
      log.warning("the avatar cache cannot be used", reason);
      return undefined;
    }
  }
}

// Never fetched: names inside the cache.
const ORIGIN = "https://avatarkit.invalid";

function bundleUrl(sha256: string): string {
  return `${ORIGIN}/bundle/${sha256}`;
}
