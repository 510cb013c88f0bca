/** The packed package builds in other people's set-ups: Vite and Next; and works from a script tag, offline. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { hasChromium, launchChromium } from "../support/chromium.js";

const WEB = new URL("../..", import.meta.url).pathname;
const built = existsSync(`${WEB}dist/index.js`);
if (!built) console.warn("skipped: run npm run build first");
const folder = mkdtempSync(join(tmpdir(), "avatarkit-examples-"));
let packed = "";

/** The example's folder, copied, with what it asks for: the packed package, and the rest from here unless fresh. */
function install(name: string, fresh = false): string {
  const to = join(folder, name);
  cpSync(`${WEB}examples/${name}`, to, { recursive: true });
  if (fresh) {
    const file = join(to, "package.json");
    writeFileSync(file, readFileSync(file, "utf8").replace("file:../..", `file:${packed}`));
    execFileSync("npm", ["install", "--silent", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: to });
    return to;
  }
  const own = join(to, "node_modules/@avatarkit/web");
  mkdirSync(own, { recursive: true });
  execFileSync("tar", ["-xzf", packed, "-C", own, "--strip-components=1"]);
  for (const other of ["three", "vite", "react", "@types", "@bufbuild", "csstype"]) symlinkSync(`${WEB}node_modules/${other}`, join(to, "node_modules", other));
  return to;
}

describe.skipIf(!built)("examples", () => {
  beforeAll(() => {
    execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: WEB });
    packed = join(folder, readdirSync(folder).find((file) => file.endsWith(".tgz"))!);
  });

  test("Vite", () => {
    const to = install("vite");
    execFileSync("node", ["node_modules/vite/bin/vite.js", "build", "--logLevel", "error"], { cwd: to });
    expect(readdirSync(join(to, "dist"))).toContain("index.html");
  });

  test("its types, as TypeScript finds them", () => {
    const to = existsSync(join(folder, "vite")) ? join(folder, "vite") : install("vite");
    const file = join(to, "consumer.mts");
    writeFileSync(file, `import { AvatarManager, AvatarSDK, AvatarView, ErrorCode, type Configuration } from "@avatarkit/web";
import { AvatarKitElement } from "@avatarkit/web/element";
import { AvatarCanvas, type AvatarCanvasProps } from "@avatarkit/web/react";
const configuration: Configuration = { endpoint: "https://avatars.example.com", reconnect: { attempts: 3 } };
await AvatarSDK.initialize("app", configuration);
const view = new AvatarView(await AvatarManager.shared.load("default"), document.body);
const id: string | null = view.controller.send(new ArrayBuffer(2), true);
const element: AvatarKitElement = document.createElement("avatar-kit");
const props: AvatarCanvasProps = { appId: "app", avatarId: "default" };
// @ts-expect-error There is no such mood.
view.controller.setMood("furious");
export default [id, element, AvatarCanvas(props), ErrorCode.noAudio];
`);
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--module", "node16", "--moduleResolution", "node16"];
    execFileSync("node", [`${WEB}node_modules/typescript/bin/tsc`, ...options, file], { cwd: to, stdio: "pipe" });
  });

  test.skipIf(!process.env.AVATARKIT_TEST_NEXT)("Next (set AVATARKIT_TEST_NEXT: it takes minutes)", () => {
    const to = install("next", true);
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
