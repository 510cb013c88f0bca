/** The avatar library of a scenario, in the place of `fetch`. */
import { createHash } from "node:crypto";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A digest that needs no turn of another thread, which virtual time would not wait for. */
export function installQuickHash(): void {
  const digest = async (_: unknown, data: Uint8Array): Promise<ArrayBuffer> => new Uint8Array(createHash("sha256").update(data).digest()).buffer;
  Object.defineProperty(crypto.subtle, "digest", { value: digest, configurable: true });
}

/** Serves metadata and bundles as the client routes of a server do. */
export class ScenarioLibrary {
  offline = false;
  statuses: Record<string, number | null> = {};
  breaks = { after: 0, times: 0 };
  metadataRequests = 0;
  ranges: (string | null)[] = [];
  private held: Promise<void> | null = null;
  private release = (): void => undefined;

  constructor(public avatars: Record<string, any>) {}

  /** Downloads wait until it is false again. */
  hold(value: boolean): void {
    if (value) this.held ??= new Promise((done) => (this.release = done));
    else {
      this.release();
      this.held = null;
    }
  }

  readonly fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    if (this.offline) throw new TypeError("fetch failed");
    const headers = new Headers(init.headers);
    if (headers.get("X-App-ID") !== "app") return Response.json({ code: "appIDUnrecognized" }, { status: 403 });
    const [kind, key] = new URL(String(input)).pathname.split("/").slice(-2);
    return kind === "avatars" ? this.metadata(key!) : this.asset(key!, headers.get("Range"), init.signal!);
  };

  private metadata(id: string): Response {
    this.metadataRequests++;
    if (this.statuses.metadata) return new Response(null, { status: this.statuses.metadata });
    const avatar = this.avatars[id];
    if (!avatar) return Response.json({ code: "avatarIDUnrecognized" }, { status: 404 });
    const hash = sha256(avatar.bundle);
    return Response.json({
      id,
      name: id,
      version: 1,
      bundleUrl: `/v1/client/assets/${hash}`,
      sha256: hash,
      size: Buffer.byteLength(avatar.bundle),
      minimumSdkVersion: null,
      ...avatar.metadata,
    });
  }

  private async asset(hash: string, wanted: string | null, signal: AbortSignal): Promise<Response> {
    this.ranges.push(wanted);
    await Promise.race([this.held, new Promise((done) => signal.addEventListener("abort", done))]);
    signal.throwIfAborted();
    if (this.statuses.assets) return new Response(null, { status: this.statuses.assets });
    const avatars = Object.values(this.avatars);
    const content = avatars.find(({ bundle }) => sha256(bundle) === hash);
    if (!content) return new Response(null, { status: 404 });
    const served = Buffer.from(avatars.find((avatar) => "served" in avatar)?.served ?? content.bundle);
    const start = wanted ? Number(/^bytes=(\d+)-$/.exec(wanted)![1]) : 0;
    const breaks = this.breaks.times > 0;
    if (breaks) this.breaks.times--;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (breaks) {
          if (sent) return controller.error(new TypeError("network error"));
          sent = true;
          return controller.enqueue(served.subarray(start, start + this.breaks.after));
        }
        controller.enqueue(served.subarray(start));
        controller.close();
      },
    });
    let sent = false;
    const headers = start ? { "Content-Range": `bytes ${start}-${served.length - 1}/${served.length}` } : {};
    return new Response(body, { status: start ? 206 : 200, headers });
  }
}
