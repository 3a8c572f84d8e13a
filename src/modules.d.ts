// Modules that are no TypeScript. With `{ type: "file" }` a .wasm file's import is its path, also
// inside the compiled binary.

declare module "*.wasm" {
  const path: string;
  export default path;
}
