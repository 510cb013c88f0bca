/** Stage 2: loading avatars, once each, and keeping them in the browser. */

import type { Bundle } from "../bundle/bundle.js";
import { readBundle } from "../bundle/read.js";
import { realClock, type Clock } from "../clock.js";
import { AvatarError, error, ErrorCode } from "../errors.js";
import { callBack, log } from "../log.js";
import { AvatarLibrary, sha256Hex, type PartialBundle } from "../transport/library.js";
import { checkAvatarId, isNewer, MAX_BUNDLE_BYTES, type AvatarMetadata } from "../transport/metadata.js";
import { Tries } from "../transport/tries.js";
import type { LoadProgress } from "../types.js";
import { VERSION } from "../version.js";
import type { Avatar } from "./avatar.js";
import { AvatarCache } from "./cache.js";
import { adopt, drop, settings, type Settings } from "./sdk.js";

const PROGRESS_STEP = 0.01;
const MOST_PARTIALS = 4;

/** Gets `downloading` with 0..1, then `completed` or `failed`. */
export type ProgressCallback = (progress: LoadProgress) => void;

interface Load {
  readonly listeners: ProgressCallback[];
  readonly abort: AbortController;
  readonly promise: Promise<Avatar>;
}

/** What a manager is made of; the browser's own by default. */
export interface ManagerParts {
  fetcher?: typeof fetch;
  clock?: Clock;
  /** Decodes a bundle. */
  read?: (bytes: Uint8Array) => Bundle;
}

/** Loads avatars. Use {@link AvatarManager.shared}; an own instance serves tests. */
export class AvatarManager {
  /** The page's manager. */
  static readonly shared = new AvatarManager();

  private readonly loads = new Map<string, Load>();
  private readonly loaded = new Map<string, Avatar>();
  private readonly partials = new Map<string, PartialBundle>(); // by content: downloads that broke off
  private readonly fetcher: typeof fetch;
  private readonly clock: Clock;
  private readonly read: (bytes: Uint8Array) => Bundle;

  constructor({ fetcher, clock, read }: ManagerParts = {}) {
    this.fetcher = fetcher ?? ((input, init) => fetch(input, init));
    this.clock = clock ?? realClock;
    this.read = read ?? readBundle;
  }

  /**
   * Fetch an avatar's description and, unless its bundle is cached, the bundle. Callers that ask for the same
   * avatar at the same time share one download; nobody's failure is kept. When the server cannot be reached, the
   * cached copy serves. Otherwise there are three tries for faults that may pass; a download that broke off goes on
   * where it was as long as the page lives.
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
    this.loads.delete(id); // the next load begins afresh
  }

  /** Cancel every load that is under way. */
  cancelAllLoads(): void {
    for (const id of [...this.loads.keys()]) this.cancelLoad(id);
  }

  /**
   * An avatar from a file that the page has: a binary glTF with ARKit morph targets. Nothing is stored or contacted.
   *
   * Rejects with `illegalState` before `initialize`, `avatarIDUnrecognized` for an impossible id,
   * `unsupportedAvatarAsset` for what is no such file or needs a newer SDK.
   *
   * @param id Under which the Motion Server knows an avatar. Default: a name made of the content.
   */
  async derive(file: Blob | ArrayBuffer | Uint8Array, id?: string): Promise<Avatar> {
    settings();
    if (id !== undefined) checkAvatarId(id);
    const size = file instanceof Blob ? file.size : file.byteLength;
    if (size > MAX_BUNDLE_BYTES) {
      throw error(ErrorCode.unsupportedAvatarAsset, `The file is over ${MAX_BUNDLE_BYTES} bytes.`);
    }
    const bytes = file instanceof Uint8Array ? file : new Uint8Array(file instanceof Blob ? await file.arrayBuffer() : file);
    const bundle = this.read(bytes);
    const sha256 = await sha256Hex(bytes);
    return { id: id ?? `local-${sha256.slice(0, 16)}`, name: bundle.info.name, version: 1, sha256, isFromCache: false, bundle };
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
    this.cancelAllLoads();
    this.loaded.clear();
    this.partials.clear();
    drop(this);
  }

  private async run(id: string, inForce: Settings, listeners: ProgressCallback[], signal: AbortSignal): Promise<Avatar> {
    const tell = (progress: LoadProgress): void => {
      if (signal.aborted && progress.type !== "failed") return;
      for (const listener of listeners) callBack(listener, progress);
    };
    let cancel = (): void => undefined;
    const cancelled = new Promise<never>((_, reject) => {
      cancel = () => reject(error(ErrorCode.loadCancelled, `Loading avatar '${id}' was cancelled.`));
      signal.addEventListener("abort", cancel);
    });
    try {
      // Cancelling is told at once, whatever the network does.
      const avatar = await Promise.race([this.fetch(id, inForce, tell, signal), cancelled]);
      this.loaded.set(id, avatar);
      return avatar;
    } catch (reason) {
      if (reason instanceof AvatarError) tell({ type: "failed", error: reason });
      throw reason;
    } finally {
      signal.removeEventListener("abort", cancel);
      if (this.loads.get(id)?.abort.signal === signal) this.loads.delete(id);
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
    let metadata: AvatarMetadata | null = null;
    const tries = new Tries(this.clock, signal);
    while (!metadata) {
      try {
        metadata = await library.metadata(id, signal);
      } catch (reason) {
        if (!(reason instanceof AvatarError)) throw reason;
        const known = reason.retryable && !signal.aborted ? await cache.find(id) : null;
        const bytes = known && (await cache.bundle(known.sha256));
        if (known && bytes) {
          log.warning(`using the cached copy of avatar '${id}'`, reason);
          return this.avatarOf(known, bytes, true);
        }
        await tries.wait(reason);
      }
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
      return this.avatarOf(metadata, cached, true);
    }
    const bytes = await this.download(library, metadata, tell, signal);
    const avatar = this.avatarOf(metadata, bytes, false);
    await cache.keep(metadata.sha256, bytes);
    await cache.record(metadata);
    tell({ type: "completed", progress: 1 });
    return avatar;
  }

  private async download(library: AvatarLibrary, metadata: AvatarMetadata, tell: ProgressCallback, signal: AbortSignal): Promise<Uint8Array> {
    let told = 0;
    const onShare = (share: number): void => {
      if (share < told + PROGRESS_STEP) return;
      told = share;
      tell({ type: "downloading", progress: share });
    };
    const { sha256, size } = metadata;
    // Taken out, so that two never fill the same.
    const known = this.partials.get(sha256);
    this.partials.delete(sha256);
    const partial = known?.bytes.length === size ? known : { bytes: new Uint8Array(size), arrived: 0 };
    tell({ type: "downloading", progress: 0 });
    const tries = new Tries(this.clock, signal);
    for (;;) {
      try {
        await library.download(metadata, partial, onShare, signal);
        return partial.bytes;
      } catch (reason) {
        try {
          await tries.wait(reason as AvatarError);
        } catch (final) {
          if (partial.arrived) this.keepPartial(sha256, partial);
          throw final;
        }
      }
    }
  }

  private keepPartial(sha256: string, partial: PartialBundle): void {
    this.partials.set(sha256, partial);
    for (const oldest of this.partials.keys()) if (this.partials.size > MOST_PARTIALS) this.partials.delete(oldest);
  }

  private avatarOf({ id, name, version, sha256 }: AvatarMetadata, bytes: Uint8Array, isFromCache: boolean): Avatar {
    return { id, name, version, sha256, isFromCache, bundle: this.read(bytes) };
  }
}

function cacheOf(inForce: Settings): AvatarCache {
  return new AvatarCache(`${inForce.endpoint} ${inForce.appId}`);
}
