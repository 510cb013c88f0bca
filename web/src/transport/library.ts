/** The avatar library over HTTP: descriptions and bundles. */

import { AvatarError, error, ErrorCode } from "../errors.js";
import { parseMetadata, type AvatarMetadata } from "./metadata.js";
import { WrongContent } from "./tries.js";

const TIMEOUT_MS = 30_000;
const MAX_METADATA_CHARACTERS = 1024 * 1024;

/** A bundle on its way: what has arrived of it. */
export interface PartialBundle {
  readonly bytes: Uint8Array;
  arrived: number;
}

/** A server's avatars, as one app sees them. No redirect is followed. */
export class AvatarLibrary {
  constructor(
    private readonly endpoint: string,
    private readonly appId: string,
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  /** Describe an avatar. Throws `AvatarError` as in the Python SDK. */
  async metadata(id: string, signal: AbortSignal): Promise<AvatarMetadata> {
    const what = `avatar '${id}'`;
    let status: number;
    let body: string;
    try {
      const url = `${this.endpoint}/v1/client/avatars/${encodeURIComponent(id)}`;
      const reply = await this.get(url, { "X-App-ID": this.appId }, signal, "no-cache");
      status = reply.status;
      body = await readText(reply);
    } catch (reason) {
      throw this.failure(reason, ErrorCode.failedToFetchAvatarMetadata, `The server could not be asked about ${what}`, signal);
    }
    if (status !== 200) throw refusal(status, body, what);
    let json: unknown;
    try {
      json = JSON.parse(body);
    } catch {
      throw error(ErrorCode.invalidAvatarMetadata, `The description of ${what} is no JSON.`);
    }
    return parseMetadata(id, json, this.endpoint);
  }

  /**
   * Fill in what is missing of a bundle, and check it against its SHA-256; `onShare` gets 0..1.
   *
   * What `partial` holds already is asked for no more (`Range`); a server that sends everything nevertheless is
   * listened to from the start. After a failure `partial` holds what has arrived, so that calling this again goes on
   * from there; of a file that is not what was announced it holds nothing.
   */
  async download(metadata: AvatarMetadata, partial: PartialBundle, onShare: (share: number) => void, signal: AbortSignal): Promise<void> {
    try {
      if (partial.arrived < metadata.size) await this.receive(metadata, partial, onShare, signal);
      if ((await sha256Hex(partial.bytes)) !== metadata.sha256) throw new WrongContent("its content does not match its hash");
    } catch (reason) {
      if (!(reason instanceof WrongContent)) {
        throw this.failure(reason, ErrorCode.failedToDownloadAvatarAssets, "The avatar's bundle could not be downloaded", signal);
      }
      partial.arrived = 0;
      throw error(ErrorCode.failedToDownloadAvatarAssets, `The avatar's bundle could not be downloaded: ${reason.message}.`, {
        cause: reason,
      });
    }
  }

  private async receive(metadata: AvatarMetadata, partial: PartialBundle, onShare: (share: number) => void, signal: AbortSignal): Promise<void> {
    const sameOrigin = new URL(metadata.bundleUrl).origin === new URL(this.endpoint).origin;
    const headers: Record<string, string> = sameOrigin ? { "X-App-ID": this.appId } : {};
    const { arrived } = partial;
    if (arrived) headers.Range = `bytes=${arrived}-`;
    const reply = await this.get(metadata.bundleUrl, headers, signal, arrived ? "no-store" : "default");
    const { status, body } = reply;
    if (status === 416) throw new WrongContent("the server has another size of it");
    if ((status !== 200 && status !== 206) || !body) {
      throw error(ErrorCode.failedToDownloadAvatarAssets, `The avatar's bundle could not be downloaded: status ${status}.`, {
        retryable: mayPass(status),
      });
    }
    if (status === 200) partial.arrived = 0;
    else if (!(reply.headers.get("Content-Range") ?? `bytes ${arrived}-`).startsWith(`bytes ${arrived}-`)) {
      throw new WrongContent("the server sent another part of it"); // another origin may keep the header from us
    }
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (partial.arrived + value.length > metadata.size) {
        void reader.cancel();
        throw new WrongContent("it is larger than announced");
      }
      partial.bytes.set(value, partial.arrived);
      partial.arrived += value.length;
      onShare(partial.arrived / metadata.size);
    }
    if (partial.arrived !== metadata.size) throw new WrongContent("it is shorter than announced");
  }

  private get(url: string, headers: Record<string, string>, signal: AbortSignal, cache: RequestCache): Promise<Response> {
    const timeout = AbortSignal.timeout ? AbortSignal.timeout(TIMEOUT_MS) : null;
    const both = timeout && AbortSignal.any ? AbortSignal.any([signal, timeout]) : signal;
    return this.fetcher(url, { headers, signal: both, cache, credentials: "omit", redirect: "error" });
  }

  private failure(reason: unknown, code: ErrorCode, what: string, signal: AbortSignal): AvatarError {
    if (reason instanceof AvatarError) return reason;
    if (signal.aborted) return error(ErrorCode.loadCancelled, "The load was cancelled.");
    const name = reason instanceof Error ? reason.name : "unknown";
    return error(code, `${what}: ${name}.`, { cause: reason });
  }
}

/** SHA-256 in lower-case hexadecimal. Outside a secure context the browser offers none: `missingDependency`. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw error(ErrorCode.missingDependency, "The browser checks hashes on https pages and on localhost only.", {
      phase: "load",
      hint: "Serve the page over https.",
    });
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function readText(reply: Response): Promise<string> {
  const text = await reply.text();
  if (text.length > MAX_METADATA_CHARACTERS) {
    throw error(ErrorCode.invalidAvatarMetadata, `The avatar's description is over ${MAX_METADATA_CHARACTERS} characters.`);
  }
  return text;
}

function refusal(status: number, body: string, what: string): AvatarError {
  const text = body.slice(0, 2000).toLowerCase();
  if (status === 401 || status === 403 || ((status === 400 || status === 404) && text.includes("app id"))) {
    return error(ErrorCode.appIDUnrecognized, "The server does not know this App ID.", { phase: "load" });
  }
  if (status === 404) return error(ErrorCode.avatarIDUnrecognized, `There is no ${what} for this app.`);
  return error(ErrorCode.failedToFetchAvatarMetadata, `The server answered ${status} when asked about ${what}.`, {
    retryable: mayPass(status),
  });
}

function mayPass(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}
