import eslint from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import typescript from "typescript-eslint";

export default defineConfig(
  globalIgnores(["**/dist/", "**/*.generated.ts", "coverage/"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  eslint.configs.recommended,
  typescript.configs.strictTypeChecked,
  typescript.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "max-params": ["error", 4],
      "no-nested-ternary": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        // A `default` says on purpose what happens to everything else.
        { considerDefaultExhaustiveForUnions: true },
      ],
      // A number in a message reads as it should; it is objects, null and undefined that do not.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `() => resolve()` hides nothing.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // The constructors it complains about narrow the types of their parameters.
      "@typescript-eslint/no-useless-constructor": "off",
    },
  },
  {
    files: ["test/**", "bench/test/**", "faults/test/**", "web/test/**"],
    rules: {
      // A `describe` is a list of tests, not a function that somebody has to follow.
      "max-lines-per-function": "off",
      // Stand-ins are plain objects whose functions do not use `this`.
      "@typescript-eslint/unbound-method": "off",
      // vitest's matchers (`expect.any(String)`) are typed as any.
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
  {
    // Read by the compiler only; nothing in it runs, and each line names the mistake it must refuse.
    files: ["test/types/**"],
    rules: {
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": false }],
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-floating-promises": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-unused-vars": "off",
    },
  },
  {
    // Not compiled by TypeScript, so there are no types to check with, and globals have to be named.
    files: ["**/*.js", "**/*.mjs"],
    extends: [typescript.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        URL: "readonly",
        console: "readonly",
        performance: "readonly",
        process: "readonly",
        setInterval: "readonly",
      },
    },
  },
);
