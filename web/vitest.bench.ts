import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: [process.env.BENCH_FILE ?? "bench/run.ts"], environment: "node", reporters: ["dot"] } });
