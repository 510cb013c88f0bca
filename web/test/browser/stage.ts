/** One Chromium, one page, one real server: what the tests in a browser share. */
import { existsSync } from "node:fs";
import type { Browser, CDPSession, Page } from "playwright-core";
import { AvatarServer } from "../support/avatar-server.js";
import { hasChromium, launchChromium } from "../support/chromium.js";
import { openSite, type Site } from "../support/site.js";

const ROOT = new URL("../../..", import.meta.url).pathname;
export const SPEECH = `/@fs${ROOT}assets/hello.wav`;
export const MEDIA = `/@fs${ROOT}tests/conformance/media`;
/** Where the characters are that come with the package. */
export const BUILTIN = `${ROOT}src/avatarkit/avatars/builtin`;

/** Whether there is anything to test with; says so otherwise. */
export const canRun = hasChromium && existsSync(`${BUILTIN}/default.glb`);
if (!canRun) console.warn("skipped: there is no Chromium, or no built character");

export class Stage {
  browser!: Browser;
  site!: Site;
  server!: AvatarServer;
  page!: Page;
  /** What went wrong in the page by itself. */
  problems: string[] = [];

  async open(): Promise<void> {
    const flags = ["--autoplay-policy=document-user-activation-required", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
    [this.site, this.browser, this.server] = await Promise.all([openSite(), launchChromium(...flags), new AvatarServer().start()]);
    const context = await this.browser.newContext({ permissions: ["microphone"] });
    this.page = await context.newPage();
    this.page.on("pageerror", (reason) => this.problems.push(String(reason)));
    await this.reload();
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await this.site?.close();
    await this.server?.kill();
  }

  async reload(): Promise<void> {
    await this.page.goto(`${this.site.url}/test/browser/pages/app.html`);
    await this.page.waitForFunction("window.ready");
  }

  /** As the page was at first. */
  async reset(): Promise<void> {
    this.problems = [];
    await this.page.evaluate("window.reset()");
  }

  /** See `window.mount` of the page. */
  mount(given: object = {}): Promise<void> {
    return this.page.evaluate(([appId, url, more]) => (window as any).mount(appId, url, more).then(() => undefined), [
      this.server.appId,
      this.server.url,
      given,
    ] as const);
  }

  /** Unlock sound in a real click, and open a session. */
  async connect(container = "one"): Promise<void> {
    await this.page.evaluate(
      ([token, name]) => {
        const w = window as any;
        w.kit.AvatarSDK.setSessionToken(token);
        document.getElementById("button")!.onclick = () => {
          w.connecting = w[name].controller.initializeAudioContext().then(() => w[name].controller.start());
        };
      },
      [await this.server.token(), container] as const,
    );
    await this.page.click("#button");
    await this.page.evaluate("window.connecting");
  }

  /** Open a session without sound. */
  async start(container = "one"): Promise<void> {
    await this.page.evaluate(
      ([token, name]) => {
        const w = window as any;
        w.kit.AvatarSDK.setSessionToken(token);
        return w[name].controller.start();
      },
      [await this.server.token(), container] as const,
    );
  }

  devtools(): Promise<CDPSession> {
    return this.page.context().newCDPSession(this.page);
  }
}
