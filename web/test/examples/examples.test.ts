/** The packed package builds in other people's set-ups: Vite and Next; and works from a script tag, offline. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { hasChromium, launchChromium } from "../support/chromium.js";

const WEB = new URL("../..", import.meta.url).pathname;
const built = existsSync(`${WEB}dist/index.js`);
if (!built) console.warn("skipped: run npm run build first");
const folder = mkdtempSync(join(tmpdir(), "avatarkit-examples-"));
let packed = "";

function install(name: string): string {
  const to = join(folder, name);
  cpSync(`${WEB}examples/${name}`, to, { recursive: true });
  const file = join(to, "package.json");
  writeFileSync(file, readFileSync(file, "utf8").replace("file:../..", `file:${packed}`));
  execFileSync("npm", ["install", "--silent", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: to });
  return to;
}

describe.skipIf(!built)("examples", () => {
  beforeAll(() => {
    execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: WEB });
    packed = join(folder, readdirSync(folder).find((file) => file.endsWith(".tgz"))!);
  });

  test("Vite", () => {
    const to = install("vite");
    execFileSync("npx", ["vite", "build", "--logLevel", "error"], { cwd: to });
    expect(readdirSync(join(to, "dist"))).toContain("index.html");
  });

  test.skipIf(!process.env.AVATARKIT_TEST_NEXT)("Next (set AVATARKIT_TEST_NEXT: it takes minutes)", () => {
    const to = install("next");
    execFileSync("npx", ["next", "build"], { cwd: to, env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } });
    expect(existsSync(join(to, ".next/BUILD_ID"))).toBe(true);
  }, 400_000);

  test.skipIf(!hasChromium)("a script tag", async () => {
    const browser = await launchChromium();
    const page = await browser.newPage();
    await page.route("http://localhost/**", (route) => {
      const file = new URL(route.request().url()).pathname;
      if (file === "/") return route.fulfill({ path: `${WEB}examples/script/index.html`, contentType: "text/html" });
      if (file.endsWith(".js")) return route.fulfill({ path: `${WEB}dist${file}`, contentType: "text/javascript" });
      return route.fulfill({ status: 404 });
    });
    await page.goto("http://localhost/");
    // No server answers, which the element has to tell.
    await page.waitForFunction("document.querySelector('#told').value.includes('could not be asked')");
    expect(await page.evaluate("document.querySelector('avatar-kit') instanceof HTMLElement && !!customElements.get('avatar-kit')")).toBe(true);
    await browser.close();
  });
});
