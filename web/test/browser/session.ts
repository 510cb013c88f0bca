/** Connections that fail, end and come back; tabs that are hidden; two avatars on one page. */
import { expect, test } from "vitest";
import { SPEECH, type Stage } from "./stage.js";

export function sessionTests(stage: Stage): void {
  test("a wrong token is told from a right one, with the server's own reason", async () => {
    await stage.mount();
    const start = (token: string): Promise<[string, string]> =>
      stage.page.evaluate(async (value) => {
        const w = window as any;
        w.kit.AvatarSDK.setSessionToken(value);
        const code = await w.one.controller.start().catch((reason: any) => reason.code);
        return [code, w.one.controller.connectionState] as [string, string];
      }, token);
    expect(await start("bogus")).toEqual(["sessionTokenInvalid", "failed"]);
    expect(await start(await stage.server.token())).toEqual([undefined, "connected"]);
  });

  test("a token provider is asked for each connection, and again after a refusal", async () => {
    await stage.mount();
    const tokens = ["bogus", await stage.server.token()];
    const result = await stage.page.evaluate(async (given) => {
      const { kit, one } = window as any;
      let asked = 0;
      kit.AvatarSDK.setTokenProvider(async () => given[Math.min(asked++, 1)]);
      await one.controller.start();
      one.controller.close();
      await one.controller.start();
      return { asked, errors: one.errors, state: one.controller.connectionState };
    }, tokens);
    expect(result).toEqual({ asked: 3, errors: [], state: "connected" });
  });

  test("a server that goes away and comes back: told, spoken through, loaded from the cache, reconnected by policy", async () => {
    await stage.mount({ avatar: "default" });
    await stage.page.evaluate("window.reset()");
    await stage.mount({ configuration: { reconnect: { attempts: 50, firstDelayS: 0.2, maxDelayS: 0.5 } } });
    await stage.connect();
    await stage.server.kill();
    await stage.page.waitForFunction("window.one.states.includes('failed')");
    const silent = await stage.page.evaluate(async () => {
      const w = window as any;
      const { controller } = w.one;
      await w.until(() => controller.connectionState === "failed"); // between two tries
      const id = controller.send(new Uint8Array(9600), true); // without motion
      await w.until(() => controller.conversationState === "playing");
      await w.until(() => controller.conversationState === "idle");
      const progress: string[] = [];
      const again = await w.kit.AvatarManager.shared.load("default", (step: any) => progress.push(step.type));
      return { id: typeof id, cached: again.isFromCache, progress, first: w.one.errors[0] };
    });
    expect(silent).toEqual({ id: "string", cached: true, progress: [], first: "websocketClosedAbnormally" });
    await stage.server.start();
    await stage.page.waitForFunction("window.one.controller.connectionState === 'connected'");
  });

  test("a download that breaks off goes on where it was, across origins", async () => {
    await stage.mount();
    const result = await stage.page.evaluate(async () => {
      const { kit } = window as any;
      await kit.AvatarManager.shared.clearAll();
      const requests: [string | undefined, number, number][] = [];
      const real = window.fetch;
      window.fetch = async (input, init) => {
        const reply = await real(input, init);
        if (!String(input).includes("/assets/")) return reply;
        const body = new Uint8Array(await reply.arrayBuffer());
        requests.push([(init?.headers as Record<string, string>).Range, reply.status, body.length]);
        if (requests.length > 1) return new Response(body, reply);
        let sent = false;
        const pull = (controller: ReadableStreamDefaultController): void => {
          if (sent) return controller.error(new TypeError("network error"));
          sent = true;
          controller.enqueue(body.subarray(0, 100_000));
        };
        return new Response(new ReadableStream({ pull }), reply);
      };
      try {
        const avatar = await kit.AvatarManager.shared.load("default"); // its hash is checked
        return { requests, meshes: avatar.bundle.meshes.length };
      } finally {
        window.fetch = real;
      }
    });
    const [[, , size]] = result.requests as [[string | undefined, number, number]];
    expect(result.requests).toEqual([
      [undefined, 200, size],
      ["bytes=100000-", 206, size - 100_000],
    ]);
    expect(result.meshes).toBeGreaterThan(3);
  });

  // Headless Chromium hides no tab, so what a hidden one lacks is taken away: frames, and time on the main thread.
  test("a tab that is hidden speaks on, and is back without a burst of stale frames", async () => {
    await stage.mount();
    await stage.connect();
    const result = await stage.page.evaluate(async (url) => {
      const w = window as any;
      const { view, controller } = w.one;
      const jaw = w.kit.ARKIT_INDEX.jawOpen;
      const drawn: number[] = []; // how far each picture was from what was heard, in seconds
      const frame = controller.player.frame.bind(controller.player);
      controller.player.frame = (at: number) => {
        const made = frame(at);
        drawn.push(made.position === null ? 0 : Math.abs(made.position - controller.getAudioTime()));
        return made;
      };
      const real = window.requestAnimationFrame;
      const held: FrameRequestCallback[] = [];
      const hide = (): void => void (window.requestAnimationFrame = (action) => held.push(action));
      const show = (): void => {
        window.requestAnimationFrame = real;
        held.splice(0).forEach((action) => real(action));
      };
      const speech: Uint8Array = await w.speech(url);

      // A round ends behind the user's back.
      const over = new Promise<number>((done) => (controller.onPlaybackFinished = (_: string, position: number) => done(position)));
      controller.send(speech.subarray(0, 32000), true);
      await w.until(() => controller.getAudioTime() > 0.3);
      hide();
      await new Promise((done) => setTimeout(done, 50)); // one that was asked for before may come yet
      const before = drawn.length;
      const heard = await over;
      await new Promise((done) => setTimeout(done, 700));
      const whileHidden = drawn.length - before;
      show();
      await w.until(() => drawn.length > before);
      const mouth = view.pose.weights[jaw];

      // In the middle of another the page stands still.
      controller.send(speech, true);
      await w.until(() => controller.getAudioTime() > 0.5);
      const [from, began, count] = [controller.getAudioTime(), performance.now(), drawn.length];
      while (performance.now() - began < 1500);
      await w.until(() => drawn.length > count);
      const to = controller.getAudioTime();
      let frames = 1;
      while (frames++ < 10) await new Promise(real);
      return { heard, whileHidden, mouth, moved: to - from, off: Math.max(...drawn.slice(count)), burst: drawn.length - count - frames };
    }, SPEECH);
    expect(result.heard).toBeCloseTo(1, 1);
    expect(result.whileHidden).toBe(0);
    expect(result.mouth).toBeLessThan(0.05); // the first picture is that of now
    expect(result.moved).toBeGreaterThan(1); // the voice went on
    expect(result.off).toBeLessThan(0.3); // an old picture would be a second off
    expect(result.burst).toBeLessThanOrEqual(1); // no more pictures than the browser asked for
  });

  test("two avatars speak at two rates, and one goes while the other speaks on", async () => {
    await stage.mount({ container: "one", options: { speaker: "silent" } });
    await stage.mount({ container: "two", options: { speaker: "silent", audioFormat: { sampleRate: 24000 } } });
    await stage.start("one");
    await stage.start("two");
    const result = await stage.page.evaluate(async (url) => {
      const w = window as any;
      const jaw = w.kit.ARKIT_INDEX.jawOpen;
      const open: Record<string, number> = { one: 0, two: 0 };
      w.one.controller.send(await w.speech(url, 16000), true);
      w.two.controller.send(await w.speech(url, 24000), true);
      await w.until(() => {
        for (const name of ["one", "two"]) open[name] = Math.max(open[name]!, w[name].view.pose.weights[jaw]);
        return Math.min(open.one!, open.two!) > 0.1;
      });
      w.one.view.dispose();
      return { canvases: document.querySelectorAll("canvas").length, state: w.two.controller.conversationState };
    }, SPEECH);
    expect(result).toEqual({ canvases: 1, state: "playing" });
  });
}
