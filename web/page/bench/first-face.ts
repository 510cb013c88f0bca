/**
 * How long a visitor waits for the first face: `BENCH_FILE=page/bench/first-face.ts npm run bench`. From the start of
 * the navigation to the first frame on the canvas, on loopback, before any click, WebGL2 in software.
 */
import { test } from "vitest";
import { AvatarServer } from "../../test/support/avatar-server.js";
import { launchChromium } from "../../test/support/chromium.js";

const VISITS = Number(process.env.VISITS ?? 7);
const SIZES = { "1440 x 900": [1440, 900], "1024 x 768": [1024, 768], "390 x 844": [390, 844] } as const;

test("first face", { timeout: 600_000 }, async () => {
  const [server, browser] = await Promise.all([new AvatarServer().start(), launchChromium()]);
  const median = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
  const rows: string[] = ["| Window | Nothing cached, ms | Cached, ms |", "|---|---|---|"];
  for (const [name, [width, height]] of Object.entries(SIZES)) {
    const cold: number[] = [];
    const cached: number[] = [];
    for (let visit = 0; visit < VISITS; visit++) {
      const context = await browser.newContext({ viewport: { width, height } });
      for (const times of [cold, cached]) {
        const page = await context.newPage();
        await page.goto(server.url);
        await page.waitForSelector("#stage[data-drawn]");
        times.push(Number(await page.locator("#stage").getAttribute("data-drawn")));
        await page.close();
      }
      await context.close();
    }
    const show = (times: number[]): string => `${median(times)} (${Math.min(...times)} to ${Math.max(...times)})`;
    rows.push(`| ${name} | ${show(cold)} | ${show(cached)} |`);
  }
  await browser.close();
  await server.kill();
  console.log(rows.join("\n"));
});
