/**
 * The same face in the browser and in Python: three.js on WebGL2 against the CPU renderer. Tolerance, on pixels
 * that both cover wholly: mean difference at most 2 of 255, at most 1.5 % of pixels off by more than 24 (hair and lashes); coverage
 * differs in at most 1.5 % of pixels (edges are sampled at other places).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { PYTHON } from "../support/avatar-server.js";
import { hasChromium, launchChromium } from "../support/chromium.js";
import { openSite, type Site } from "../support/site.js";

const ROOT = new URL("../../..", import.meta.url).pathname;
const BUNDLE = `${ROOT}src/avatarkit/avatars/builtin/default.glb`;
const SIZE: [number, number] = [512, 512];
const VIEWS = {
  rest: {},
  speaking: { weights: { jawOpen: 0.6, mouthFunnel: 0.3, browInnerUp: 0.4, eyeLookOutLeft: 0.5 } },
  blink: { weights: { eyeBlinkLeft: 1, eyeBlinkRight: 1, mouthSmileLeft: 0.8, mouthSmileRight: 0.8 } },
  turned: { weights: { jawOpen: 0.2 }, head: [0.1, 0.3, -0.05, 0, 0.002, 0] },
  aside: { position: [0.45, 0.05, 1.0] },
};

let browser: Browser;
let site: Site;
let page: Page;
const folder = mkdtempSync(join(tmpdir(), "avatarkit-golden-"));

beforeAll(async () => {
  if (!hasChromium || !existsSync(BUNDLE)) return;
  const input = JSON.stringify({ bundle: BUNDLE, size: SIZE, views: VIEWS });
  execFileSync(PYTHON, [join(import.meta.dirname, "render_reference.py"), folder], { input });
  [site, browser] = await Promise.all([openSite(), launchChromium()]);
  page = await browser.newPage();
  await page.goto(`${site.url}/test/browser/pages/golden.html`);
  await page.waitForFunction("window.start");
  await page.evaluate((url) => (window as any).start(url), `/@fs${BUNDLE}`);
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

interface Difference {
  mean: number;
  far: number;
  coverage: number;
}

function compare(ours: Uint8Array, theirs: Uint8Array): Difference {
  const [width, height] = SIZE;
  let sum = 0;
  let far = 0;
  let both = 0;
  let edges = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = 4 * ((height - 1 - y) * width + x);
      const b = 4 * (y * width + x);
      if (Math.abs(ours[a + 3]! - theirs[b + 3]!) > 127) edges++;
      if (ours[a + 3] !== 255 || theirs[b + 3] !== 255) continue;
      both++;
      const off = [0, 1, 2].map((c) => Math.abs(ours[a + c]! - theirs[b + c]!));
      sum += off[0]! + off[1]! + off[2]!;
      if (Math.max(...off) > 24) far++;
    }
  }
  expect(both).toBeGreaterThan(0.2 * width * height);
  return { mean: sum / (3 * both), far: far / both, coverage: edges / (width * height) };
}

test.skipIf(!hasChromium || !existsSync(BUNDLE)).each(Object.entries(VIEWS))("%s", async (name, view) => {
  const text = await page.evaluate(([v, size]) => (window as any).draw(v, size), [view, SIZE] as const);
  const ours = Uint8Array.from(Buffer.from(text as string, "base64"));
  if (process.env.KEEP) writeFileSync(`${process.env.KEEP}/${name}.web.rgba`, ours);
  if (process.env.KEEP) writeFileSync(`${process.env.KEEP}/${name}.cpu.rgba`, readFileSync(join(folder, `${name}.rgba`)));
  const found = compare(ours, readFileSync(join(folder, `${name}.rgba`)));
  if (process.env.KEEP) console.log(name, JSON.stringify(found));
  expect(found.mean).toBeLessThan(2);
  expect(found.far).toBeLessThan(0.015);
  expect(found.coverage).toBeLessThan(0.015);
});
