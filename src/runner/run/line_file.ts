/**
 * A file that grows line by line while a run goes on: its events, a stage's log. Each line is
 * handed to the system at once, so a killed process loses none that was appended.
 */

/** Appends lines to a file. */
export class LineFile implements Disposable {
  readonly #file: Deno.FsFile;
  #failure: unknown;

  /** Opens (or makes) the file at `path`. */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  /** Appends a line. Never throws, so that reporting cannot break a stage: `check` does, later. */
  append(line: string): void {
    const bytes = new TextEncoder().encode(line + "\n");
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** Throws what kept a line from being written. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
