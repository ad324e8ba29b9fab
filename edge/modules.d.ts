/**
 * What wrangler's module rules make of files that are no TypeScript.
 *
 * @module
 */

/** A precompiled module: workerd refuses to compile bytes at run time. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*/ui/build/index.html" {
  const text: string;
  export default text;
}

declare module "*/ui/build/style.css" {
  const text: string;
  export default text;
}

declare module "*/ui/build/app.js" {
  const text: string;
  export default text;
}
