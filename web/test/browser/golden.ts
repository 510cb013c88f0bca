/**
 * The same face in the browser and in Python: three.js on WebGL2 against the CPU renderer, for every character that
 * comes with the package. Tolerance, on pixels that both cover wholly: mean difference at most 2 of 255, at most
 * 1.5 % of pixels off by more than 24 (hair and lashes); coverage differs in at most 1.5 % of pixels (edges are
 * sampled at other places).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { PYTHON } from "../support/avatar-server.js";
import { BUILTIN, canRun, type Stage } from "./stage.js";

const SIZE: [number, number] = [384, 384];
const SPEAKING = { weights: { jawOpen: 0.6, mouthFunnel: 0.3, browInnerUp: 0.4, eyeLookOutLeft: 0.5 } };
const BLINK = { weights: { eyeBlinkLeft: 1, eyeBlinkRight: 1, mouthSmileLeft: 0.8, mouthSmileRight: 0.8 } };
const TURNED = { weights: { jawOpen: 0.2 }, head: [0.1, 0.3, -0.05, 0, 0.002, 0] };
const ALL = { rest: {}, speaking: SPEAKING, blink: BLINK, turned: TURNED, aside: { position: [0.45, 0.05, 1.0] } };
const SOME = { turned: { ...TURNED, ...SPEAKING }, blink: BLINK };

const CHARACTERS = canRun
  ? readdirSync(BUILTIN).filter((file) => file.endsWith(".glb")).map((file) => {
      const name = file.slice(0, -4);
      return { name, bundle: join(BUILTIN, file), views: (name === "default" ? ALL : SOME) as Record<string, object> };
    })
  : [];
// Made from the default one, as photo avatars are: pictures that hold their light, with soft edges.
if (canRun) CHARACTERS.push({ name: "photo", bundle: join(BUILTIN, "default.glb"), views: { turned: TURNED } });

/** The CPU renderer's pictures, in a folder; drawn while other tests run. */
function drawReference(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "avatarkit-golden-"));
  const jobs = CHARACTERS.map(({ name, bundle, views }) => ({ name, bundle, size: SIZE, views }));
  const child = spawn(PYTHON, [join(import.meta.dirname, "render_reference.py"), folder], { stdio: ["pipe", "inherit", "inherit"] });
  child.stdin.end(JSON.stringify(jobs));
  return new Promise((resolve, reject) => child.on("exit", (code) => (code === 0 ? resolve(folder) : reject(new Error(`it ended with ${code}`)))));
}

interface Difference {
  mean: number;
  far: number;
  coverage: number;
  /** Of all pixels, -1..1: the mean difference in alpha. */
  alpha: number;
}

function compare(ours: Uint8Array, theirs: Uint8Array): Difference {
  const [width, height] = SIZE;
  let sum = 0;
  let far = 0;
  let both = 0;
  let edges = 0;
  let alpha = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = 4 * ((height - 1 - y) * width + x);
      const b = 4 * (y * width + x);
      if (Math.abs(ours[a + 3]! - theirs[b + 3]!) > 127) edges++;
      alpha += ours[a + 3]! - theirs[b + 3]!;
      if (ours[a + 3] !== 255 || theirs[b + 3] !== 255) continue;
      both++;
      let most = 0;
      for (let c = 0; c < 3; c++) {
        const off = Math.abs(ours[a + c]! - theirs[b + c]!);
        sum += off;
        most = Math.max(most, off);
      }
      if (most > 24) far++;
    }
  }
  expect(both).toBeGreaterThan(0.2 * width * height);
  return { mean: sum / (3 * both), far: far / both, coverage: edges / (width * height), alpha: alpha / (255 * width * height) };
}

export function goldenTests(stage: Stage): void {
  const reference = drawReference();
  reference.catch(() => undefined); // told by the tests
  let page: Page;

  beforeAll(async () => {
    page = await stage.browser.newPage();
    await page.goto(`${stage.site.url}/test/browser/pages/golden.html`);
    await page.waitForFunction("window.start");
  });
  afterAll(() => page?.close());

  describe.each(CHARACTERS.map((one) => [one.name, one] as const))("%s", (_, { name, bundle, views }) => {
    beforeAll(async () => {
      const path = name === "photo" ? join(await reference, "photo.glb") : bundle;
      await page.route("**/bundle.glb", (route) => route.fulfill({ path }));
      await page.evaluate(() => (window as any).start("/bundle.glb"));
      await page.unroute("**/bundle.glb");
    });

    test.each(Object.entries(views))("%s", async (view, given) => {
      const text = await page.evaluate(([v, size]) => (window as any).draw(v, size), [given, SIZE] as const);
      const ours = Uint8Array.from(Buffer.from(text as string, "base64"));
      const theirs = readFileSync(join(await reference, `${name}-${view}.rgba`));
      const found = compare(ours, theirs);
      const { KEEP } = process.env;
      if (KEEP) {
        writeFileSync(`${KEEP}/${name}-${view}.web.rgba`, ours);
        writeFileSync(`${KEEP}/${name}-${view}.cpu.rgba`, theirs);
        console.log(name, view, JSON.stringify(found));
      }
      expect(found.mean).toBeLessThan(2);
      expect(found.far).toBeLessThan(0.015);
      expect(found.coverage).toBeLessThan(0.015);
      expect(Math.abs(found.alpha)).toBeLessThan(0.005);
    });
  });
}
