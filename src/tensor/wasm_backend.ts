/**
 * Points tfjs's WebAssembly backend at the .wasm files of its own npm package, so that it starts
 * without a network, and keeps it to one thread: its worker threads do not start under Deno.
 */

import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { fromFileUrl } from "@std/path";
import { tf } from "./tf.ts";

/** Prepares the backend; `tf.setBackend("wasm")` then loads it. */
export function setUpWasm(): void {
  const entry = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(fromFileUrl(new URL("../wasm-out/", entry)));
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
}
