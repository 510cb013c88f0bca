// Builds the server's page into src/avatarkit/server/page/built, with compressed copies beside its files.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

execFileSync("node_modules/.bin/vite", ["build", "--config", "page/vite.config.ts", "--logLevel", "error"], { stdio: "inherit" });

const built = new URL("../../src/avatarkit/server/page/built/", import.meta.url);
const license = readFileSync(new URL("../node_modules/three/LICENSE", import.meta.url), "utf8");
writeFileSync(new URL("licenses.txt", built), `The page contains three.js:\n\n${license}`);

const folder = new URL("page/", built);
for (const name of readdirSync(folder)) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const bytes = readFileSync(new URL(name, folder));
  const compressed = gzipSync(bytes, { level: 9 });
  if (compressed.length < 0.9 * bytes.length) writeFileSync(new URL(`${name}.gz`, folder), compressed);
}
