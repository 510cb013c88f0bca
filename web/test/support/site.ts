/** The sources and test pages over http, compiled as they are asked for. */
import { createServer, type ViteDevServer } from "vite";

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const root = new URL("../..", import.meta.url).pathname;
  const server: ViteDevServer = await createServer({
    root,
    configFile: false,
    logLevel: "error",
    server: { port: 0, host: "127.0.0.1", hmr: false, watch: null, fs: { allow: [`${root}/..`] } },
    optimizeDeps: { entries: ["test/browser/pages/*.html"], include: ["three", "@bufbuild/protobuf/wire", "opus-decoder", "react", "react-dom/client"] },
    appType: "mpa",
  });
  await server.listen();
  const address = server.httpServer!.address();
  if (typeof address !== "object" || !address) throw new Error("the site has no address");
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}
