// Generates src/protocol/gen from ../proto; with --check only says whether it is up to date.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const out = mkdtempSync(join(tmpdir(), "avatarkit-proto-"));
const python = process.env.PYTHON ?? "../.venv/bin/python";
execFileSync(
  python,
  [
    "-m", "grpc_tools.protoc", "-I", "../proto", "--plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es",
    `--es_out=${out}`, "--es_opt=target=ts,import_extension=js", "../proto/avatarkit.proto",
  ],
  { stdio: "inherit" },
);
const made = join(out, "avatarkit_pb.ts");
const kept = "src/protocol/gen/avatarkit_pb.ts";
if (!process.argv.includes("--check")) copyFileSync(made, kept);
else if (readFileSync(made, "utf8") !== readFileSync(kept, "utf8")) {
  console.error(`${kept} is out of date: run npm run proto`);
  process.exit(1);
}
