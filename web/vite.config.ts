import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const hub = process.env.SOUNDPOST_HUB ?? "http://127.0.0.1:8055";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1900, // the page of the API's document, which nobody loads but who opens it
    rollupOptions: { input: ["index.html", "docs.html"].map((page) => fileURLToPath(new URL(page, import.meta.url))) },
  },
  server: { port: 5173, proxy: { "/api": { target: hub, ws: true, changeOrigin: false } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
