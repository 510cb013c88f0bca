/** The page and the console in Chromium, as a real `avatarkit serve` serves them: what their visitors rely on. */
import { existsSync, readFileSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AvatarServer } from "../../../test/support/avatar-server.js";
import { hasChromium, launchChromium } from "../../../test/support/chromium.js";
import { findings } from "../support/axe.js";

const ROOT = new URL("../../../..", import.meta.url).pathname;
const HELLO = `${ROOT}assets/hello.wav`;
const missing = [
  !hasChromium && "Chromium",
  !existsSync(`${ROOT}src/avatarkit/avatars/builtin/default.glb`) && "the built character",
  !existsSync(`${ROOT}src/avatarkit/server/page/built/index.html`) && "the built page (npm run build:page)",
].filter(Boolean);
if (missing.length) console.warn(`skipped: there is no ${missing.join(", no ")}`);

let browser: Browser;
let server: AvatarServer;
let context: BrowserContext;
let page: Page;
const asked: string[] = [];
const problems: string[] = [];
const styles: string[] = []; // that sessions asked the server for

/** A tab that notes what it asks for and what goes wrong in it. */
async function openTab(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  context = await browser.newContext({ viewport: { width: 400, height: 560 }, ...options });
  context.setDefaultTimeout(60_000);
  const tab = await context.newPage();
  // Everything that the page said, however briefly: a busy machine looks seldom.
  await tab.addInitScript(() => {
    const said: Record<string, string[]> = { "state-text": [], caption: [] };
    (window as any).said = said;
    const look = (): void => {
      for (const [id, texts] of Object.entries(said)) {
        const text = document.getElementById(id)?.textContent ?? "";
        if (text && texts.at(-1) !== text) texts.push(text);
      }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  });
  tab.on("request", (request) => asked.push(request.url()));
  tab.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => styles.push(.../motion_style\W+([a-z]+:[\d.]+)/.exec(payload.toString("latin1"))?.slice(1) ?? []));
  });
  tab.on("pageerror", (reason) => problems.push(String(reason)));
  tab.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) problems.push(message.text());
  });
  return tab;
}

async function visit(tab: Page): Promise<void> {
  await tab.goto(`${server.url}/?quality=standard`);
  await tab.waitForSelector("#stage[data-drawn]");
}

/** What becomes true, at once on a quiet machine. */
const soon: typeof expect.poll = (look) => expect.poll(look, { timeout: 40_000 });
const state = (tab: Page, wanted: string): Promise<unknown> => tab.waitForSelector(`#stage[data-state="${wanted}"]`);
const said = (tab: Page, id: "state-text" | "caption"): Promise<string[]> => tab.evaluate((name) => (window as any).said[name], id);
const forget = (tab: Page): Promise<void> => tab.evaluate(() => Object.values((window as any).said as Record<string, string[]>).forEach((texts) => (texts.length = 0)));
const text = (tab: Page, selector: string): Promise<string> => tab.locator(selector).innerText();
const figure = (tab: Page, name: string): Promise<string | null> => tab.locator(`[data-figure="${name}"]`).textContent();

/** How high the mouth's line stands in the live plot, 0..1: what a visitor sees of the mouth. */
const plottedMouth = (tab: Page): Promise<number> =>
  tab.evaluate(() => {
    const canvas = document.getElementById("plot") as HTMLCanvasElement;
    const color = getComputedStyle(document.querySelector(".key.mouth")!).backgroundColor.match(/\d+/g)!.map(Number);
    const { data, width, height } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3]! > 200 && [0, 1, 2].every((k) => Math.abs(data[i + k]! - color[k]!) < 12)) return 1 - i / 4 / width / height;
    }
    return 0;
  });

const mouthMoves = (tab: Page): Promise<void> => soon(() => plottedMouth(tab)).toBeGreaterThan(0.25);

beforeAll(async () => {
  if (missing.length) return;
  [browser, server] = await Promise.all([
    launchChromium("--autoplay-policy=document-user-activation-required", "--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${HELLO}`),
    new AvatarServer().start(),
  ]);
  page = await openTab({ permissions: ["microphone"], acceptDownloads: true });
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await server?.kill();
});

// In this order, in one tab: a visit from the first look to the end of the server.
describe.skipIf(missing.length > 0)("the page", () => {
  let other: Page;

  test("shows a living face before any click, from this server alone", async () => {
    const reply = page.waitForResponse((candidate) => candidate.url() === `${server.url}/?quality=standard`);
    const cover = page.waitForRequest(/\/covers\//);
    await visit(page);
    expect((await reply).headers()["content-security-policy"]).not.toMatch(/unsafe|\*/);
    await state(page, "ready");
    const first = await page.locator("#views canvas").screenshot();
    await page.waitForTimeout(700);
    expect(first.equals(await page.locator("#views canvas").screenshot())).toBe(false);
    await cover;
    expect([...new Set(asked.map((url) => new URL(url).origin))]).toEqual([server.url]);
    expect(problems).toEqual([]);
  });

  test("is sound for screen readers, in the light and in the dark", async () => {
    await page.evaluate(() => document.querySelectorAll<HTMLDetailsElement>(".panel details").forEach((card) => (card.open = true)));
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findings(page)).toEqual([]);
    }
  });

  test("speaks the sample: the mouth moves, captions follow, figures come in; pause, go on, interrupt", async () => {
    expect(await plottedMouth(page)).toBeLessThan(0.2);
    await page.click("#speak");
    await mouthMoves(page);
    expect(await said(page, "caption")).toContain("Hello. I am your avatar, and I live on your own machine.");
    expect(await figure(page, "connection")).toBe("Connected");
    expect(await figure(page, "firstMotion")).toMatch(/^\d+ ms$/);
    expect(await figure(page, "wire")).toMatch(/^\d\.\d kB\/s$/);
    await page.keyboard.press("Escape");
    await state(page, "ready");
    await page.click("#speak");
    await state(page, "speaking");
    await page.click("#speak");
    await soon(() => text(page, "#state-text")).toBe("Paused");
    await forget(page);
    await page.click("#speak");
    await soon(() => said(page, "state-text")).toContain("Speaking");
    await page.click("#interrupt");
    await soon(() => text(page, "#state-text")).toBe("Ready");
    expect(await text(page, "#speak-text")).toBe("Speak");
    expect(await page.locator("#caption").innerText()).toBe("");
  });

  test("works from the keyboard alone", async () => {
    expect(styles).toEqual([]);
    await page.locator("#style").focus();
    await page.keyboard.press("h");
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.locator(".skip").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement!.id)).toBe("speak");
    await page.keyboard.press("Enter");
    await state(page, "speaking");
    expect(styles).toEqual(["happy:0.60"]); // a session of its own
    await page.keyboard.press("k");
    await soon(() => text(page, "#state-text")).toBe("Paused");
    await page.keyboard.press("Escape");
    await soon(() => text(page, "#state-text")).toBe("Ready");
    await page.locator("#tab-sample").focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#source-text").isVisible()).toBe(true);
    await page.locator("#look").focus();
    await page.keyboard.press("?");
    expect(await page.locator("#shortcuts").isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement!.id)).toBe("look");
    await page.keyboard.press("l");
    expect(await page.locator("#look").getAttribute("aria-pressed")).toBe("true");
  });

  test("speaks what is typed, or says what is missing for it", async () => {
    await page.click("#tab-text");
    if (!(await page.locator("#text-form").isVisible())) {
      console.warn("skipped: the server has no synthesiser");
      expect(await text(page, "#source-text")).toContain("espeak-ng");
      return;
    }
    await page.fill("#text", "This is typed. It is two pieces.");
    await page.press("#text", "Control+Enter");
    await soon(() => said(page, "caption")).toContain("It is two pieces.");
    expect((await said(page, "caption")).at(-2)).toBe("This is typed.");
    await page.keyboard.press("Escape");
  });

  test("records a clip of picture and voice", async () => {
    await page.click("#record");
    expect(await page.locator("#recording").isVisible()).toBe(true);
    // A file that is chosen is spoken at once.
    await page.setInputFiles("#file", HELLO);
    await state(page, "speaking");
    await page.waitForTimeout(800);
    const download = page.waitForEvent("download");
    await page.click("#record");
    const clip = await download;
    expect(clip.suggestedFilename()).toMatch(/^avatarkit-.*\.webm$/);
    const bytes = readFileSync(await clip.path());
    expect(bytes.subarray(0, 4).toString("hex")).toBe("1a45dfa3");
    expect(bytes.includes("V_VP")).toBe(true);
    expect(bytes.includes("A_OPUS")).toBe(true);
    expect(bytes.length).toBeGreaterThan(10_000);
    await page.keyboard.press("Escape");
  });

  test("says that a file is no audio, and goes on", async () => {
    await page.setInputFiles("#file", { name: "notes.txt", mimeType: "audio/wav", buffer: Buffer.from("not audio") });
    await soon(() => text(page, "#notice")).toContain("notes.txt is no audio");
    await page.click("#notice-close");
    expect(await page.locator("#notice").isVisible()).toBe(false);
  });

  test("speaks what the microphone hears", async () => {
    await page.click("#tab-mic");
    await page.click("#speak");
    await soon(() => text(page, "#state-text")).toBe("Listening");
    await mouthMoves(page);
    await page.click("#speak");
    await soon(() => text(page, "#speak-text")).not.toBe("Stop listening");
    await page.keyboard.press("Escape");
    await state(page, "ready");
  });

  test("asks for a sign-in where the demo is not open, and refuses a wrong token", async () => {
    other = await openTab({ permissions: [] });
    const closed = { errors: [{ code: "signInNeeded", detail: "The demo is not open to you here." }] };
    await other.route("**/v1/page/session", (route) => route.fulfill({ status: 403, json: closed }));
    await other.goto(`${server.url}/?quality=standard`);
    await other.waitForSelector("#sign-in[open]");
    expect(await findings(other)).toEqual([]);
    await other.fill("#app-id", server.appId);
    await other.fill("#token", "wrong");
    await other.click("#sign-in-go");
    await soon(() => text(other, "#sign-in-error")).toContain("Invalid session token");
    await other.fill("#token", await server.token());
    await other.click("#sign-in-go");
    await other.waitForSelector("#stage[data-drawn]");
  });

  test("says when the microphone is refused", async () => {
    await other.click("#tab-mic");
    await other.click("#speak");
    await soon(() => text(other, "#notice")).toContain("The microphone cannot be used");
    await other.context().close();
  });
});

describe.skipIf(missing.length > 0)("the console", () => {
  let desk: Page;

  test("opens with the admin key only", async () => {
    desk = await openTab({ viewport: { width: 1100, height: 800 } });
    await desk.goto(`${server.url}/console`);
    expect(await findings(desk)).toEqual([]);
    await desk.fill("#admin-key", "adm_wrong");
    await desk.click("#gate-go");
    await soon(() => text(desk, "#gate-error")).toContain("not this server's admin key");
    await desk.fill("#admin-key", server.adminKey);
    await desk.click("#gate-go");
    await desk.waitForSelector(".chart");
    expect(await desk.locator("#view h1").innerText()).toBe("Overview");
    expect(await desk.evaluate((key) => JSON.stringify([localStorage, sessionStorage, document.cookie]).includes(key), server.adminKey)).toBe(false);
  });

  test("shows usage, sessions, avatars with their covers, and the log, all sound for screen readers", async () => {
    expect(await desk.locator(".chart").getAttribute("aria-label")).toMatch(/^Usage: [\d.]+ (s|min)/);
    for (const [section, sign] of [["Sessions", "tbody tr"], ["Avatars", ".avatar"], ["Log", "h1"], ["Overview", ".chart"]] as const) {
      await desk.click(`#sections >> text=${section}`);
      await soon(() => text(desk, "#view h1")).toBe(section);
      await desk.waitForSelector(`#view ${sign}`);
      if (section === "Sessions") expect(await text(desk, "#view tbody")).toContain(server.appId);
      if (section === "Avatars") {
        await desk.waitForFunction(() => (document.querySelector(".avatar img") as HTMLImageElement).naturalWidth >= 256);
      }
      expect(await findings(desk), section).toEqual([]);
    }
  });

  test("makes an app, shows its key once, revokes it", async () => {
    await desk.click("#sections >> text=Apps");
    await desk.click("text=New app");
    await desk.fill("#ask-name", "Kiosk");
    await desk.click("#ask button[type=submit]");
    const key = await text(desk, ".secret");
    expect(key).toMatch(/^ak_/);
    const token = (): Promise<number> =>
      fetch(`${server.url}/v1/console/session-tokens`, { method: "POST", headers: { "X-Api-Key": key } }).then((reply) => reply.status);
    expect(await token()).toBe(200);
    await desk.click("#ask button[type=submit]");
    const card = desk.locator(".box", { hasText: "Kiosk" });
    await card.getByRole("button", { name: /^Revoke/ }).click();
    await desk.click("#ask button[type=submit]");
    await soon(() => card.innerText()).toContain("revoked");
    expect(await token()).toBe(401);
    expect(await desk.content()).not.toContain(key);
    expect(await findings(desk)).toEqual([]);
  });

  test("ends an open session", async () => {
    await desk.click("#sections >> text=Sessions");
    const end = desk.getByRole("button", { name: /^End/ }).first();
    await end.click();
    await desk.click("#ask button[type=submit]");
    await soon(async () => {
      await desk.evaluate(() => dispatchEvent(new HashChangeEvent("hashchange"))); // draws it anew
      return desk.getByRole("button", { name: /^End/ }).count();
    }).toBe(0);
    await desk.context().close();
  });
});

describe.skipIf(missing.length > 0)("a server that goes away", () => {
  test("is told, and speaking connects again once it is back", async () => {
    await page.click("#tab-sample");
    await page.click("#speak");
    await state(page, "speaking");
    await server.kill();
    await soon(() => text(page, "#notice")).toContain("The server does not answer");
    await page.keyboard.press("Escape");
    await server.start();
    await page.getByRole("button", { name: "Try again" }).click();
    await state(page, "speaking");
    await soon(() => figure(page, "connection")).toBe("Connected");
    expect(await page.locator("#notice").isVisible()).toBe(false);
    expect(problems).toEqual([]);
  });
});
