import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const rooms = ["dashboard", "inventory", "agents", "people", "external", "local", "gallery"];
const rawStyle = [
  { selector: "JSXAttribute[name.name='style']", message: "Raw style lives in src/ui." },
  { selector: "JSXAttribute[name.name='className']", message: "Raw style lives in src/ui." },
];
const onlyUi = [
  { group: ["@mantine/*"], message: "Compose screens from @/ui." },
  { group: ["*.css"], message: "Raw style lives in src/ui." },
];

export default tseslint.config(
  { ignores: ["dist", "node_modules"] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  // ground floor: words, api, live know no screen; ui knows no room and no network
  {
    files: ["src/words/**", "src/api/**", "src/live/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [{ group: ["@/ui*", "@/rooms/*", "@/shell/*"], message: "Up only by events." }] }] },
  },
  {
    files: ["src/ui/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@/rooms/*", "@/shell/*", "@/live/*", "@/api/client"], message: "ui knows no room and no network." }] },
      ],
    },
  },
  {
    files: ["src/shell/**"],
    rules: { "no-restricted-imports": ["error", { patterns: onlyUi }], "no-restricted-syntax": ["error", ...rawStyle] },
  },
  ...rooms.map((room) => ({
    files: [`src/rooms/${room}/**`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            ...onlyUi,
            {
              group: ["../*", ...rooms.filter((r) => r !== room).map((r) => `@/rooms/${r}*`), "@/shell/router*"],
              message: "Rooms do not import rooms.",
            },
          ],
        },
      ],
      "no-restricted-syntax": ["error", ...rawStyle],
    },
  })),
  { files: ["**/*.mjs", "*.js"], languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly", Buffer: "readonly", setInterval: "readonly", setTimeout: "readonly", clearInterval: "readonly", URLSearchParams: "readonly" } } },
);
