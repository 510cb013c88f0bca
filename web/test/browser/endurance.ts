/** What stays behind: nothing. */
import { expect, test } from "vitest";
import { SPEECH, type Stage } from "./stage.js";

export function enduranceTests(stage: Stage): void {
  test("50 avatars mounted and disposed of leave nothing behind", async () => {
    await stage.mount();
    const result = await stage.page.evaluate(async () => {
      const w = window as any;
      const { loaded, view } = w.one;
      view.dispose();
      view.dispose();
      delete w.one;
      const container = document.getElementById("one")!;
      for (let i = 0; i < 50; i++) {
        const next = new w.kit.AvatarView(loaded, container);
        await new Promise((done) => (next.onFirstRendering = done));
        next.dispose();
      }
      return { canvases: document.querySelectorAll("canvas").length, children: container.childElementCount };
    });
    expect(result).toEqual({ canvases: 0, children: 0 });
    const devtools = await stage.devtools();
    await devtools.send("HeapProfiler.collectGarbage");
    await devtools.send("HeapProfiler.collectGarbage");
    const { result: prototype } = (await devtools.send("Runtime.evaluate", { expression: "window.kit.AvatarView.prototype" })) as any;
    const { objects } = (await devtools.send("Runtime.queryObjects" as any, { prototypeObjectId: prototype.objectId })) as any;
    const { result: list } = (await devtools.send("Runtime.getProperties", { objectId: objects.objectId, ownProperties: true })) as any;
    expect(list.find((item: any) => item.name === "length").value.value).toBeLessThanOrEqual(2);
    await devtools.detach();
  });

  test("30 turns leave no memory behind", async () => {
    await stage.mount({ options: { speaker: "silent" } });
    await stage.start();
    const devtools = await stage.devtools();
    const heap = async (): Promise<number> => {
      await devtools.send("HeapProfiler.collectGarbage");
      return ((await devtools.send("Runtime.getHeapUsage")) as { usedSize: number }).usedSize / 2 ** 20;
    };
    const speak = (turns: number): Promise<void> =>
      stage.page.evaluate(
        async ([url, count]) => {
          const w = window as any;
          const { controller } = w.one;
          const speech: Uint8Array = await w.speech(url, 16000, 0.12);
          for (let turn = 0; turn < count; turn++) {
            const over = new Promise((done) => (controller.onPlaybackFinished = done));
            controller.send(speech, true);
            await over;
          }
        },
        [SPEECH, turns] as const,
      );
    await speak(5);
    const before = await heap();
    await speak(30);
    expect((await heap()) - before).toBeLessThan(1);
    expect(await stage.page.evaluate("window.one.controller.report().rounds")).toBe(35);
    await devtools.detach();
  });
}
