// Builds dist/: the package, the single file, the worklet, the types; then checks the size.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync } from "node:fs";

const run = (command, ...args) => execFileSync(`node_modules/.bin/${command}`, args, { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
for (const mode of ["package", "standalone", "worklet", "budget"]) run("vite", "build", "--mode", mode, "--logLevel", "warn");
run("tsc", "-p", "tsconfig.types.json");
if (existsSync("../LICENSE")) copyFileSync("../LICENSE", "LICENSE");
await import("./size.mjs");
