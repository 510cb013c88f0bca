import { defineConfig, type Plugin, type UserConfig } from "vite";

const src = (file: string): string => new URL(`src/${file}`, import.meta.url).pathname;

/** One minified file: Vite's library mode would leave the white space in. */
function single(entry: string, name: string, external: string[], outDir = "dist"): UserConfig {
  return {
    build: {
      target: "es2022",
      outDir,
      emptyOutDir: false,
      modulePreload: false,
      chunkSizeWarningLimit: 1000,
      rollupOptions: {
        input: { [name]: src(entry) },
        external,
        preserveEntrySignatures: "strict",
        output: { format: "es", entryFileNames: "[name].js", codeSplitting: false },
      },
    },
  };
}

/** Comments and indentation of the shaders are for readers of the source. */
const slimShaders: Plugin = {
  name: "slim-shaders",
  enforce: "pre",
  transform(code, id) {
    return id.endsWith("/render/shaders.ts") ? code.replace(/^\s*\/\/.*\n/gm, "").replace(/^ +/gm, "") : null;
  },
};

// `vite build --mode <name>`; `npm run build` runs all of them.
const modes: Record<string, UserConfig> = {
  // For bundlers: dependencies stay imports.
  package: {
    build: {
      target: "es2022",
      emptyOutDir: false,
      minify: false,
      lib: {
        entry: { index: src("index.ts"), element: src("element.ts"), react: src("react.ts") },
        formats: ["es"],
      },
      rollupOptions: {
        external: ["three", "react", /^@bufbuild\/protobuf/],
        output: { chunkFileNames: "chunks/[name]-[hash].js" },
      },
    },
  },
  // For the size budget: everything but three.js and the fallback decoder, which few browsers ever load.
  budget: single("element-and-index.ts", "avatarkit.min", ["three", "opus-decoder"], "dist/budget"),
  // For a script tag: three.js and the fallback decoder included, <avatar-kit> defined.
  standalone: single("element-and-index.ts", "avatarkit.standalone", []),
  worklet: single("audio/worklet-file.ts", "player-worklet", []),
};

export default defineConfig(({ mode }) => ({ ...modes[mode], plugins: [slimShaders] }));
