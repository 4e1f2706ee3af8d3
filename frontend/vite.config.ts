import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { defineConfig } from "vite";

const OUT = "../src/gridrush/web/static";

/** Hash of everything the page is made from, kept beside it: a test without Node sees when the page is older than its sources. */
function stamp(): void {
  const files = ["index.html", "package.json", "tsconfig.json", "vite.config.ts", ...readdirSync("src", { recursive: true }).map((f) => `src/${String(f)}`)];
  const hash = createHash("sha256");
  for (const f of files.filter((x) => /\.\w+$/.test(x)).sort()) hash.update(f + "\0").update(readFileSync(f)).update("\0");
  writeFileSync(`${OUT}/sources.sha256`, `${hash.digest("hex")}\n`);
}

export default defineConfig({
  plugins: [{ name: "stamp", closeBundle: stamp }],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    outDir: OUT, emptyOutDir: true, target: "es2022", modulePreload: false, assetsInlineLimit: 0,
    rollupOptions: { output: { entryFileNames: "assets/gridrush.js", chunkFileNames: "assets/[name].js", assetFileNames: "assets/gridrush[extname]" } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8765" } },
});
