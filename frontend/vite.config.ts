// Builds the islands into frontend/dist with the manifest that django-vite reads; Django serves the files under /static/.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  base: "/static/",
  plugins: [svelte(), svelteTesting()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    // Fonts must stay files of their own: a strict content policy forbids data: fonts, and files are cached.
    assetsInlineLimit: 0,
    // One small sheet for all pages: it is in the browser's cache from the first page on, and nothing is unstyled meanwhile.
    cssCodeSplit: false,
    target: "es2022",
    // plotly is one indivisible file, loaded only when a page first draws a plot.
    chunkSizeWarningLimit: 1300,
    rollupOptions: { input: "main.ts" },
  },
  test: {
    environment: "jsdom",
    include: ["**/*.test.ts"],
    exclude: ["node_modules/**", "dist/**"],
    setupFiles: ["tests/setup.ts"],
  },
});
