/** Debian's Chromium, as the tests and benchmarks run it: no GPU, WebGL2 in software. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PATH = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is a Chromium to test with. */
export const hasChromium = existsSync(PATH);

export function launchChromium(...more: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: PATH,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
      "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", ...more,
    ],
  });
}
