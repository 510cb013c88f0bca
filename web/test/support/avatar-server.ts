/** A real `avatarkit serve` on a free port, with a demo app. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = new URL("../../..", import.meta.url).pathname;
export const PYTHON = process.env.PYTHON ?? `${ROOT}.venv/bin/python`;

export class AvatarServer {
  private process: ChildProcess | null = null;
  private readonly data = mkdtempSync(join(tmpdir(), "avatarkit-web-"));
  private port = 0;
  url = "";
  appId = "";
  apiKey = "";
  adminKey = "";

  /** Start, or start again on the same port with the same data. */
  async start(): Promise<this> {
    const child = spawn(
      PYTHON,
      ["-m", "avatarkit.cli", "serve", "--host", "127.0.0.1", "--port", String(this.port), "--data", this.data, "--json"],
      { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, AVATARKIT_CORS_ORIGINS: "" } },
    );
    this.process = child;
    let errors = "";
    child.stderr!.on("data", (text) => (errors += text));
    const ready = await new Promise<Record<string, string>>((resolve, reject) => {
      createInterface(child.stdout!).on("line", (line) => {
        const event = JSON.parse(line) as Record<string, string>;
        if (event.event === "ready") resolve(event);
      });
      child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${errors.slice(-2000)}`)));
    });
    this.url = ready.url!;
    this.port = Number(new URL(this.url).port);
    this.appId ||= ready.app_id ?? "";
    this.apiKey ||= ready.api_key ?? "";
    this.adminKey ||= ready.admin_key ?? "";
    return this;
  }

  /** A session token for the demo app, as its backend would get it. */
  async token(): Promise<string> {
    const reply = await fetch(`${this.url}/v1/console/session-tokens`, { method: "POST", headers: { "X-Api-Key": this.apiKey } });
    return ((await reply.json()) as { sessionToken: string }).sessionToken;
  }

  /** End at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.process;
    this.process = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  }
}
