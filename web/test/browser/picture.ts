/** What is on the canvas, read back. */
import { expect, test } from "vitest";
import type { Stage } from "./stage.js";

export function pictureTests(stage: Stage): void {
  test("a face, from the first frame on, and a download that tells its progress", async () => {
    await stage.mount({ avatar: "default" });
    const seen = await stage.page.evaluate(async () => {
      const w = window as any;
      const pixels: Uint8Array = await w.pixels(w.one.view);
      let covered = 0;
      const colors = new Set<number>();
      for (let i = 0; i < pixels.length; i += 4) {
        if (pixels[i + 3] === 255) covered++;
        colors.add((pixels[i]! << 16) | (pixels[i + 1]! << 8) | pixels[i + 2]!);
      }
      const png: Blob = await w.one.view.exportBitmap();
      return {
        covered: covered / (pixels.length / 4),
        colors: colors.size,
        corner: pixels[pixels.length - 1],
        progress: w.one.progress as string[],
        box: w.one.view.getBoundingRect(),
        png: png.type,
      };
    });
    expect(seen.covered).toBeGreaterThan(0.2);
    expect(seen.covered).toBeLessThan(0.9);
    expect(seen.corner).toBe(0); // transparent beside the head
    expect(seen.colors).toBeGreaterThan(500);
    expect(seen.progress[0]).toBe("downloading");
    expect(seen.progress.at(-1)).toBe("completed");
    expect(seen.box.width).toBeGreaterThan(40);
    expect(seen.png).toBe("image/png");
  });

  test("a mouth that opens when it should, in pixels", async () => {
    await stage.mount({ avatar: "default", options: { seed: 3 } });
    const darker = await stage.page.evaluate(async () => {
      const w = window as any;
      const { view } = w.one;
      const { player } = view.controller;
      const frame = player.frame.bind(player);
      const face = async (jaw: number): Promise<Uint8Array> => {
        player.frame = () => {
          const still = frame(0);
          still.pose.weights.fill(0);
          still.pose.head.fill(0);
          still.pose.weights[w.kit.ARKIT_INDEX.jawOpen] = jaw;
          return still;
        };
        await new Promise(requestAnimationFrame);
        return w.pixels(view);
      };
      const [shut, open] = [await face(0), await face(0.8)];
      const { width, height } = view.renderSize;
      let changed = 0;
      let above = 0;
      for (let i = 0; i < shut.length; i += 4) {
        const off = Math.abs(shut[i]! - open[i]!) + Math.abs(shut[i + 1]! - open[i + 1]!) + Math.abs(shut[i + 2]! - open[i + 2]!);
        if (off <= 30) continue;
        changed++;
        if (Math.floor(i / 4 / width) > 0.62 * height) above++; // the bottom row comes first
      }
      return { changed: changed / (shut.length / 4), above };
    });
    expect(darker.changed).toBeGreaterThan(0.005);
    expect(darker.above).toBe(0); // eyes and brow stay
  });

  test("it comes back after the GPU was lost, and follows its container and the cap", async () => {
    await stage.mount({ avatar: "default" });
    const result = await stage.page.evaluate(async () => {
      const w = window as any;
      const { view } = w.one;
      const covered = async (): Promise<number> => {
        await new Promise(requestAnimationFrame);
        const pixels: Uint8Array = await w.pixels(view);
        let count = 0;
        for (let i = 3; i < pixels.length; i += 4) if (pixels[i]! > 0) count++;
        return (4 * count) / pixels.length;
      };
      const before = await covered();
      const loss = view.canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
      const lost = new Promise((done) => view.canvas.addEventListener("webglcontextlost", done, { once: true }));
      loss.loseContext();
      await lost;
      const whileLost = await view.exportBitmap();
      const restored = new Promise((done) => view.canvas.addEventListener("webglcontextrestored", done, { once: true }));
      await new Promise((done) => setTimeout(done, 50));
      loss.restoreContext();
      await restored;
      const { framesDrawn } = view.controller.report();
      await w.until(() => view.controller.report().framesDrawn > framesDrawn + 1);
      const after = await covered();
      document.getElementById("one")!.style.width = "160px";
      await w.until(() => view.canvas.width === 160);
      const size = { ...view.renderSize };
      w.kit.AvatarSDK.setRenderResolutionCap(true, 48);
      const capped = { ...view.renderSize };
      await w.until(() => view.canvas.height === 48);
      document.getElementById("one")!.style.display = "none"; // nothing to draw into
      await w.until(() => view.renderSize.width === 0);
      const still = view.controller.report().framesDrawn;
      for (let i = 0; i < 5; i++) await new Promise(requestAnimationFrame);
      const hidden = view.controller.report().framesDrawn - still;
      document.getElementById("one")!.style.display = "";
      await w.until(() => view.controller.report().framesDrawn > still + hidden);
      return { before, after, whileLost, size, capped, hidden, errors: w.one.errors };
    });
    expect(result.before).toBeGreaterThan(0.2);
    expect(result.after).toBeCloseTo(result.before, 1);
    expect(result.whileLost).toBeNull();
    expect(result.size).toEqual({ width: 160, height: 96 });
    expect(result.capped).toEqual({ width: 80, height: 48 });
    expect(result.hidden).toBeLessThanOrEqual(1);
    expect(result.errors).toEqual([]);
  });
}
