/** `npm run bench`: prints the tables of docs/web.md, measured on this machine; see scripts/bench.mjs for options. */
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { AvatarServer } from "../test/support/avatar-server.js";
import { launchChromium } from "../test/support/chromium.js";
import { openSite } from "../test/support/site.js";

const WEB = new URL("..", import.meta.url).pathname;
const BUNDLE = new URL("../../src/avatarkit/avatars/builtin/default.glb", import.meta.url).pathname;
const SPEECH = new URL("../../assets/hello.wav", import.meta.url).pathname;
const MINUTES = Number(process.env.MINUTES ?? 10);
const ONLY = process.env.ONLY;
const lines: string[] = [];
const row = (...cells: (string | number)[]): number => lines.push(`| ${cells.join(" | ")} |`);
const ms = (x: number): string => `${x.toFixed(1)} ms`;

interface FrameTimes {
  main: number;
  whole: number;
  covered: number;
  camera: object;
}

/** The same character in TalkingHead: both draw it from the same camera. */
async function frames(page: Page, url: string): Promise<void> {
  row("Size", "What", "Main thread a frame", "Whole frame", "Frames a second", "Whole frame, TalkingHead = 1");
  row("---", "---", "---", "---", "---", "---");
  for (const size of [512, 1024]) {
    const measure = async (file: string, ...more: unknown[]): Promise<FrameTimes> => {
      await page.goto(`${url}/bench/${file}`);
      await page.waitForFunction("window.ready");
      return page.evaluate(([args]) => (window as any).measure(...args), [[`/@fs${BUNDLE}`, size, ...more]] as const);
    };
    const ours: [string, FrameTimes][] = [];
    for (const quality of ["standard", "high", "ultra"]) ours.push([quality, await measure("frame.html", quality, 9)]);
    const peer = await measure("talkinghead.html", 9, ours[0]![1].camera);
    row(`${size} x ${size}`, "TalkingHead 1.7", ms(peer.main), ms(peer.whole), (1000 / peer.whole).toFixed(1), "1.00");
    for (const [quality, { main, whole, covered }] of ours) {
      if (Math.abs(covered - peer.covered) > 0.05) throw new Error(`the two do not draw the same picture: ${covered}, ${peer.covered}`);
      row(`${size} x ${size}`, quality, ms(main), ms(whole), (1000 / whole).toFixed(1), (whole / peer.whole).toFixed(2));
    }
  }
}

async function firstFrame(page: Page, url: string, server: AvatarServer): Promise<void> {
  row("First frame, 96 x 96, standard", "Milliseconds after initialize()");
  row("---", "---");
  for (const kind of ["cold", "cached"]) {
    await page.goto(`${url}/test/browser/pages/app.html`);
    await page.waitForFunction("window.ready");
    const took = await page.evaluate(async ([appId, endpoint]) => {
      const began = performance.now();
      await (window as any).mount(appId, endpoint, { avatar: "default" });
      return performance.now() - began;
    }, [server.appId, server.url] as const);
    row(kind, took.toFixed(0));
  }
}

async function heap(page: Page, url: string, server: AvatarServer): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const used = async (): Promise<number> => {
    await session.send("HeapProfiler.collectGarbage");
    return ((await session.send("Runtime.getHeapUsage")) as { usedSize: number }).usedSize / 2 ** 20;
  };
  await page.goto(`${url}/test/browser/pages/app.html`);
  await page.waitForFunction("window.ready");
  await page.evaluate(async ([appId, endpoint, token]) => {
    const w = window as any;
    await w.mount(appId, endpoint, { avatar: "default", options: { speaker: "silent" } });
    w.kit.AvatarSDK.setSessionToken(token);
    await w.one.controller.start();
  }, [server.appId, server.url, await server.token()] as const);
  const before = await used();
  const turns = await page.evaluate(async ([url, minutes]) => {
    const w = window as any;
    const speech = await w.speech(url);
    const end = performance.now() + minutes * 60_000;
    let count = 0;
    while (performance.now() < end) {
      w.one.controller.send(speech, true);
      count++;
      await new Promise((done) => setTimeout(done, (1000 * speech.length) / 32000 + 500));
    }
    return count;
  }, [`/@fs${SPEECH}`, MINUTES] as const);
  row(`JavaScript heap over ${MINUTES} minutes, ${turns} turns`, "MB after a collection");
  row("---", "---");
  row("before", before.toFixed(1));
  row("after", (await used()).toFixed(1));
}

function sizes(): void {
  row("File", "Bytes", "gzip");
  row("---", "---", "---");
  for (const file of ["budget/avatarkit.min.js", "avatarkit.standalone.js", "player-worklet.js"]) {
    const bytes = readFileSync(`${WEB}dist/${file}`);
    row(file, bytes.length, gzipSync(bytes, { level: 9 }).length);
  }
}

test("bench", async () => {
  const [site, browser, server] = await Promise.all([openSite(), launchChromium(), new AvatarServer().start()]);
  const page = await browser.newPage();
  const load = loadavg()[0]!.toFixed(1);
  lines.push(`${cpus().length} x ${cpus()[0]!.model}, Chromium ${browser.version()}, WebGL2 in software (SwiftShader), load ${load} at the start`, "");
  const parts: Record<string, () => Promise<void> | void> = {
    frames: () => frames(page, site.url),
    first: () => firstFrame(page, site.url, server),
    heap: () => (MINUTES > 0 ? heap(page, site.url, server) : undefined),
    sizes,
  };
  for (const [name, part] of Object.entries(parts)) {
    if (ONLY && ONLY !== name) continue;
    await part();
    lines.push("");
  }
  await browser.close();
  await site.close();
  await server.kill();
  process.stdout.write(`\n${lines.join("\n")}\n`);
}, 3_600_000);
