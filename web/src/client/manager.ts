/** Stage 2: loading avatars, once each, and keeping them in the browser. */

import { readBundle } from "../bundle/read.js";
import { AvatarError, error, ErrorCode } from "../errors.js";
import { callBack, log } from "../log.js";
import { AvatarLibrary } from "../transport/library.js";
import { checkAvatarId, isNewer, type AvatarMetadata } from "../transport/metadata.js";
import type { LoadProgress } from "../types.js";
import { VERSION } from "../version.js";
import type { Avatar } from "./avatar.js";
import { AvatarCache } from "./cache.js";
import { adopt, drop, settings, type Settings } from "./sdk.js";

const PROGRESS_STEP = 0.01;

/** Gets `downloading` with 0..1, then `completed` or `failed`. */
export type ProgressCallback = (progress: LoadProgress) => void;

interface Load {
  readonly listeners: ProgressCallback[];
  readonly abort: AbortController;
  readonly promise: Promise<Avatar>;
}

/** Loads avatars. Use {@link AvatarManager.shared}; an own instance serves tests. */
export class AvatarManager {
  /** The page's manager. */
  static readonly shared = new AvatarManager();

  private readonly loads = new Map<string, Load>();
  private readonly loaded = new Map<string, Avatar>();

  constructor(private readonly fetcher: typeof fetch = (input, init) => fetch(input, init)) {}

  /**
   * Fetch an avatar's description and, unless its bundle is cached, the bundle. Callers that ask for the same
   * avatar at the same time share one download; nobody's failure is kept. When the server cannot be reached, the
   * cached copy serves.
   *
   * Rejects with `illegalState` before `initialize`; `avatarIDUnrecognized`, `appIDUnrecognized`,
   * `failedToFetchAvatarMetadata`, `invalidAvatarMetadata`, `unsupportedAvatarAsset`,
   * `failedToDownloadAvatarAssets`; `loadCancelled`.
   *
   * @param onProgress Nothing on a cache hit.
   */
  load(id: string, onProgress?: ProgressCallback): Promise<Avatar> {
    try {
      const inForce = settings();
      checkAvatarId(id);
      let load = this.loads.get(id);
      if (!load) {
        const abort = new AbortController();
        const listeners: ProgressCallback[] = [];
        load = { abort, listeners, promise: this.run(id, inForce, listeners, abort.signal) };
        this.loads.set(id, load);
        adopt(this);
      }
      if (onProgress) load.listeners.push(onProgress);
      return load.promise;
    } catch (reason) {
      return Promise.reject(reason as Error);
    }
  }

  /** Cancel a load that is under way: everyone who waits for it gets `loadCancelled`. */
  cancelLoad(id: string): void {
    this.loads.get(id)?.abort.abort();
  }

  /** An avatar that was loaded before in this page. Never goes to the network. */
  retrieve(id: string): Avatar | undefined {
    settings();
    return this.loaded.get(id);
  }

  /** Delete an avatar from the browser; views that show it keep what they hold. */
  async clear(id: string): Promise<void> {
    this.loaded.delete(id);
    await cacheOf(settings()).clear(id);
  }

  /** Delete every avatar of this app and server from the browser. */
  async clearAll(): Promise<void> {
    this.loaded.clear();
    await cacheOf(settings()).clear();
  }

  /** Cancel every load. Called by `AvatarSDK.cleanup`. */
  release(): void {
    for (const load of this.loads.values()) load.abort.abort();
    this.loaded.clear();
    drop(this);
  }

  private async run(id: string, inForce: Settings, listeners: ProgressCallback[], signal: AbortSignal): Promise<Avatar> {
    const tell = (progress: LoadProgress): void => listeners.forEach((listener) => callBack(listener, progress));
    let cancel = (): void => undefined;
    const cancelled = new Promise<never>((_, reject) => {
      cancel = () => reject(error(ErrorCode.loadCancelled, `Loading avatar '${id}' was cancelled.`));
      signal.addEventListener("abort", cancel);
    });
    try {
      const avatar = await Promise.race([this.fetch(id, inForce, tell, signal), cancelled]);
      this.loaded.set(id, avatar);
      return avatar;
    } catch (reason) {
      if (reason instanceof AvatarError) tell({ type: "failed", error: reason });
      throw reason;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.loads.delete(id);
    }
  }

  private async fetch(
    id: string,
    inForce: Settings,
    tell: ProgressCallback,
    signal: AbortSignal,
  ): Promise<Avatar> {
    const cache = cacheOf(inForce);
    const library = new AvatarLibrary(inForce.endpoint, inForce.appId, this.fetcher);
    let metadata: AvatarMetadata;
    try {
      metadata = await library.metadata(id, signal);
    } catch (reason) {
      const known = reason instanceof AvatarError && reason.retryable && !signal.aborted ? await cache.find(id) : null;
      const bytes = known && (await cache.bundle(known.sha256));
      if (!known || !bytes) throw reason;
      log.warning(`using the cached copy of avatar '${id}'`, reason);
      return avatarOf(known, bytes, true);
    }
    if (metadata.minimumSdk !== null && isNewer(metadata.minimumSdk, VERSION)) {
      throw error(
        ErrorCode.unsupportedAvatarAsset,
        `Avatar '${id}' needs SDK ${metadata.minimumSdk.slice(0, 40)}; this is ${VERSION}.`,
      );
    }
    const cached = await cache.bundle(metadata.sha256);
    if (cached) {
      await cache.record(metadata);
      return avatarOf(metadata, cached, true);
    }
    let told = 0;
    tell({ type: "downloading", progress: 0 });
    const bytes = await library.download(
      metadata,
      (share) => {
        if (share < told + PROGRESS_STEP) return;
        told = share;
        tell({ type: "downloading", progress: share });
      },
      signal,
    );
    const avatar = avatarOf(metadata, bytes, false);
    await cache.keep(metadata.sha256, bytes);
    await cache.record(metadata);
    tell({ type: "completed", progress: 1 });
    return avatar;
  }
}

function cacheOf(inForce: Settings): AvatarCache {
  return new AvatarCache(`${inForce.endpoint} ${inForce.appId}`);
}

function avatarOf({ id, name, version, sha256 }: AvatarMetadata, bytes: Uint8Array, isFromCache: boolean): Avatar {
  return { id, name, version, sha256, isFromCache, bundle: readBundle(bytes) };
}
