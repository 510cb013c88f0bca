/** A photo becomes a character in the page, in Chromium with a camera that sees a drawn portrait. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AvatarServer, PYTHON } from "../../../test/support/avatar-server.js";
import { hasChromium, launchChromium } from "../../../test/support/chromium.js";
import { findings } from "../support/axe.js";

const ROOT = new URL("../../../..", import.meta.url).pathname;
const CHARACTER = `${ROOT}src/avatarkit/avatars/builtin/default.glb`;
/** A drawn portrait for the camera (a film of JPEGs), and a picture without a face. */
const DRAW = `
import io, sys
from pathlib import Path
from PIL import Image
from avatarkit.server.library.cover import draw_cover
from avatarkit.server.library.photo import missing_packages
if missing_packages(): sys.exit("none of " + ", ".join(missing_packages()))
folder = Path(sys.argv[1])
scene = Image.new("RGB", (640, 480), (190, 190, 185))
scene.paste(Image.open(io.BytesIO(draw_cover(Path(sys.argv[2])))).convert("RGB").resize((480, 480)), (80, 0))
frame = io.BytesIO()
scene.save(frame, "JPEG", quality=92)
(folder / "camera.mjpeg").write_bytes(frame.getvalue() * 4)
Image.new("RGB", (500, 600), (120, 140, 90)).save(folder / "wall.png")
`;
const folder = mkdtempSync(join(tmpdir(), "avatarkit-photo-"));
const why = ((): string => {
  if (!hasChromium) return "there is no Chromium";
  if (!existsSync(CHARACTER)) return "there is no built character";
  if (!existsSync(`${ROOT}src/avatarkit/server/page/built/index.html`)) return "the page is not built";
  try {
    execFileSync(PYTHON, ["-c", DRAW, folder, CHARACTER], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (reason) {
    return `what avatars of photos need is not installed: ${(reason as { stderr?: Buffer }).stderr?.toString().trim().split("\n").at(-1)}`;
  }
  return "";
})();
if (why) console.warn(`skipped: ${why}`);

let browser: Browser;
let server: AvatarServer;
let context: BrowserContext;
let page: Page;
const problems: string[] = [];

const soon: typeof expect.poll = (look) => expect.poll(look, { timeout: 60_000 });
const text = (selector: string): Promise<string> => page.locator(selector).innerText();
const step = (name: string): Promise<unknown> => page.waitForSelector(`#make-${name}:not([hidden])`);
const focused = (): Promise<string> => page.evaluate(() => document.activeElement!.id || (document.activeElement as HTMLInputElement).value);
/** Every list of characters that an app, or another visitor, can see. */
async function listed(): Promise<string[]> {
  const reply = await fetch(`${server.url}/v1/client/avatars`, { headers: { "X-App-ID": server.appId } });
  return ((await reply.json()) as { avatars: { id: string }[] }).avatars.map(({ id }) => id);
}

/** Let a picture fall on the page, beside the dialog. */
async function drop(path: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
    return transfer;
  }, readFileSync(path, "base64"));
  await page.dispatchEvent("body", "drop", { dataTransfer });
}

async function visit(): Promise<void> {
  await page.goto(`${server.url}/?quality=standard`);
  await page.waitForSelector("#make-open:not([hidden])", { state: "attached" });
  await page.evaluate(() => document.querySelectorAll<HTMLDetailsElement>(".panel details").forEach((card) => (card.open = card.id === "card-characters")));
}

beforeAll(async () => {
  if (why) return;
  [browser, server] = await Promise.all([
    launchChromium("--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${join(folder, "camera.mjpeg")}`),
    new AvatarServer().start(),
  ]);
  context = await browser.newContext({ viewport: { width: 375, height: 667 }, permissions: ["camera"] });
  context.setDefaultTimeout(90_000);
  page = await context.newPage();
  page.on("pageerror", (reason) => problems.push(String(reason)));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) problems.push(message.text());
  });
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await server?.kill();
});

// In this order, in one tab: a visitor's way from a bad photo to a character, and back to none.
describe.skipIf(why !== "")("a photo", () => {
  test("that does not do is refused with advice, and is kept; nothing is sent before the visitor agrees", async () => {
    await visit();
    await page.locator("#make-open").focus();
    await page.keyboard.press("Enter");
    await step("choose");
    expect(await focused()).toBe("make-title");
    const sent: string[] = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(new URL(request.url()).pathname));
    await page.setInputFiles("#make-file", { name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await soon(() => text("#make-error")).toContain("cannot read the file as a picture");
    await page.setInputFiles("#make-file", join(folder, "wall.png"));
    await step("check");
    await page.click("#make-go");
    expect(await text("#make-error")).toContain("Tick the box");
    expect(await focused()).toBe("make-consent");
    expect(sent).toEqual([]);
    await page.keyboard.press("Space");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findings(page)).toEqual([]);
    }
    await page.click("#make-go");
    await soon(() => text("#make-error")).toContain("No face was found");
    expect(await text("#make-error")).not.toContain("[");
    expect(await text("#make-go")).toBe("Try again");
    expect(await page.locator("#make-picture").evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([500, 600]);
    expect(sent).toEqual(["/v1/page/avatars"]);
  });

  test("is not lost when the server is away", async () => {
    await page.route("**/v1/page/avatars?*", (route) => route.abort());
    await page.click("#make-go");
    await soon(() => text("#make-error")).toContain("The server does not answer");
    expect(await page.isVisible("#make-picture")).toBe(true);
    expect(await page.isEnabled("#make-go")).toBe(true);
    await page.unroute("**/v1/page/avatars?*");
  });

  test("that is dropped is taken, and all of it fits a phone", async () => {
    for (const name of ["choose", "check"]) {
      if (name === "choose") await page.click("#make-again");
      else await drop(join(folder, "wall.png"));
      await step(name);
      const wide = await page.locator("#make").evaluate((dialog) => [dialog.scrollWidth <= dialog.clientWidth, dialog.getBoundingClientRect().right <= innerWidth]);
      expect(wide, name).toEqual([true, true]);
    }
    await page.click("#make-again");
  });

  test("of the camera is taken after a countdown, and again", async () => {
    await page.click("#make-camera-open");
    await page.waitForSelector("#make-shoot:not([disabled])");
    expect(await page.locator("#make-video").evaluate((video) => getComputedStyle(video).transform)).toBe("matrix(-1, 0, 0, 1, 0, 0)");
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await soon(() => text("#make-count")).toBe("3");
    await step("check");
    expect(await page.evaluate(() => (document.getElementById("make-video") as HTMLVideoElement).srcObject)).toBe(null);
    expect(await page.isChecked("#make-consent")).toBe(false);
    await page.click("#make-again");
    await page.waitForSelector("#make-shoot:not([disabled])");
    await page.click("#make-shoot");
    await step("check");
  });

  test("becomes a character that talks, on no list", { timeout: 300_000 }, async () => {
    await page.fill("#make-name", "Robin");
    await page.check("#make-consent");
    await page.click("#make-go");
    await step("progress");
    const stages: string[] = [];
    await soon(async () => {
      const stage = (await page.locator("#make-stage").textContent()) ?? "";
      if (stages.at(-1) !== stage) stages.push(stage);
      return stages.length;
    }).toBeGreaterThan(2);
    expect(await page.locator("#make-left").textContent()).toMatch(/^(About \d+ seconds left|Almost done)$/);
    await page.click("#make-hide"); // it goes on
    await soon(() => text("#make-note")).toMatch(/%\)$|Robin/);
    await expect.poll(() => text("#make-note"), { timeout: 150_000 }).toContain("Robin is here");
    expect(await page.locator(".character:has(:checked) .character-name").innerText()).toBe("Robin");
    await page.waitForFunction(() => document.querySelectorAll("#views > div").length === 1);
    await page.click("#speak");
    await page.waitForSelector('#stage[data-state="speaking"]');
    await soon(() => page.locator("#caption").innerText()).not.toBe("");
    await page.keyboard.press("Escape");
    expect(await listed()).toEqual(["default", "marco", "nia"].filter((id) => existsSync(`${ROOT}src/avatarkit/avatars/builtin/${id}.glb`)));
    expect(await page.evaluate(() => document.cookie)).toBe("");
  });

  test("is there again after a reload, and is deleted for good", async () => {
    await visit();
    await page.waitForSelector(".character-place .delete");
    await page.locator(".character-place .delete").focus();
    await page.keyboard.press("Enter");
    expect(await text("#unmake-title")).toBe("Delete Robin?");
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    expect(await page.locator(".character-place .delete").count()).toBe(1);
    await page.click(".character-place .delete");
    await page.click("#unmake-go");
    await soon(() => text("#make-note")).toBe("Robin is deleted.");
    expect(await focused()).toBe("default");
    await visit();
    await page.waitForTimeout(300);
    expect(await page.locator(".character-place .delete").count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test("is not asked for where the server cannot use it", async () => {
    await page.route("**/v1/page/avatars", async (route) => {
      const offer = { isPossible: false, code: "photosMissing", reason: "Not installed on the server: mediapipe." };
      await route.fulfill({ json: { offer, avatars: [], jobs: [] } });
    });
    await page.goto(`${server.url}/?quality=standard`);
    await soon(() => page.locator("#make-note").textContent()).toContain("Not installed on the server: mediapipe.");
    expect(await page.locator("#make-open").getAttribute("hidden")).not.toBe(null);
  });
});
