/** Reading stdin: whole, or line by line as a person or a program gives them. */

import { TextLineStream } from "@std/streams";

/** A stream of bytes that may be a terminal, such as Deno.stdin. */
export interface InputStream {
  readonly readable: ReadableStream<Uint8Array>;
  isTerminal(): boolean;
}

/** All of it as text. */
export async function readText({ readable }: InputStream): Promise<string> {
  return await new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** Its lines, without their ends. */
export function readLines({ readable }: InputStream): ReadableStream<string> {
  return readable
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .pipeThrough(new TextLineStream());
}
