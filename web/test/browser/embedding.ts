/** The element and the React component, against a real server. */
import { expect, test } from "vitest";
import { SPEECH, type Stage } from "./stage.js";

export function embeddingTests(stage: Stage): void {
  test("<avatar-kit> loads, tells, connects with a token from its URL, speaks, and goes with its element", async () => {
    const { page, server } = stage;
    await page.route("**/avatar-token", async (route) => route.fulfill({ json: { sessionToken: await server.token() } }));
    const result = await page.evaluate(
      async ([appId, endpoint, url]) => {
        const w = window as any;
        await (window as any).load("/src/element.ts");
        const more = document.getElementById("more")!;
        const told: string[] = [];
        for (const kind of ["ready", "progress", "error", "connection", "conversation"]) {
          more.addEventListener(`avatar${kind}`, ({ detail }: any) => told.push(typeof detail === "string" ? detail : kind));
        }
        const ready = new Promise((done) => more.addEventListener("avatarready", done, { once: true }));
        more.innerHTML = `<avatar-kit endpoint="${endpoint}" app-id="${appId}" avatar="default" token-url="/avatar-token"></avatar-kit>`;
        const element: any = more.firstElementChild;
        await ready;
        await element.connect();
        element.controller.send(await w.speech(url, 16000, 0.3), true);
        await w.until(() => told.at(-1) === "idle");
        const box = element.getBoundingClientRect();
        const canvas = element.shadowRoot.querySelector("canvas");
        const seen = { width: box.width, canvas: canvas.clientWidth, label: canvas.getAttribute("role") };
        const { controller } = element;
        element.remove();
        let after = "";
        try {
          controller.interrupt();
        } catch (reason: any) {
          after = reason.code;
        }
        return { told: told.filter((kind) => kind !== "progress"), seen, after, view: element.view };
      },
      [server.appId, server.url, SPEECH] as const,
    );
    await page.unroute("**/avatar-token");
    expect(result.told).toEqual(["ready", "connecting", "connected", "playing", "idle"]);
    expect(result.seen).toEqual({ width: 96, canvas: 96, label: "img" });
    expect(result.after).toBe("illegalState");
    expect(result.view).toBeNull();
  });

  test("<avatar-kit> tells what went wrong, and takes another avatar", async () => {
    const { page, server } = stage;
    const result = await page.evaluate(
      async ([appId, endpoint]) => {
        await (window as any).load("/src/element.ts");
        const more = document.getElementById("more")!;
        const next = (kind: string): Promise<any> => new Promise((done) => more.addEventListener(kind, (event: any) => done(event.detail), { once: true }));
        const failed = next("avatarerror");
        more.innerHTML = `<avatar-kit endpoint="${endpoint}" app-id="${appId}" avatar="nobody"></avatar-kit>`;
        const { code } = await failed;
        const ready = next("avatarready");
        more.firstElementChild!.setAttribute("avatar", "default");
        return { code, id: (await ready).id };
      },
      [server.appId, server.url] as const,
    );
    expect(result).toEqual({ code: "avatarIDUnrecognized", id: "default" });
  });

  test("the React component mounts once in strict mode, tells its view, and leaves nothing", async () => {
    const { page, server } = stage;
    const result = await page.evaluate(
      async ([appId, endpoint]) => {
        const w = window as any;
        const { React, createRoot, AvatarCanvas } = await w.load("/test/browser/pages/react.ts");
        const more = document.getElementById("more")!;
        more.style.cssText = "width:96px;height:96px";
        const root = createRoot(more);
        const errors: string[] = [];
        const show = (avatarId: string, onReady: (view: unknown) => void): void =>
          root.render(
            React.createElement(React.StrictMode, null,
              React.createElement(AvatarCanvas, {
                appId, avatarId, onReady, configuration: { endpoint }, audioFormat: { sampleRate: 24000 },
                onError: (reason: any) => errors.push(reason.code),
              }),
            ),
          );
        const view: any = await new Promise((done) => show("default", done));
        const canvases = more.querySelectorAll("canvas").length;
        const rate = view.controller.audioFormat.sampleRate;
        show("nobody", () => undefined);
        await w.until(() => errors.length > 0);
        const afterwards = more.querySelectorAll("canvas").length;
        root.unmount();
        return { canvases, rate, afterwards, errors, left: more.childElementCount, drawing: view.isRenderingEnabled() };
      },
      [server.appId, server.url] as const,
    );
    expect(result).toEqual({ canvases: 1, rate: 24000, afterwards: 0, errors: ["avatarIDUnrecognized"], left: 0, drawing: false });
  });
}
