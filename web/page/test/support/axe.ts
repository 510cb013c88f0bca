/** What axe finds wrong for people with screen readers. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

const AXE = readFileSync(new URL("../../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Serious and critical findings. */
export async function findings(tab: Page): Promise<string[]> {
  await tab.evaluate(AXE);
  return tab.evaluate(async () => {
    const { violations } = await (window as any).axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter(({ impact }: any) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }: any) => `${id}: ${nodes.map((node: any) => node.target.join(" ")).join(", ")}`);
  });
}
