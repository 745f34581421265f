/**
 * steps.jsonl: a line of metrics for every logged optimizer step and every evaluation, appended as
 * they come. A resumed training cuts it back to what its checkpoint knew, so no step is in it twice.
 */

import type { Json } from "../base/json.ts";

/** A line of steps.jsonl. Evaluations have `eval_` before the names of their figures. */
export interface LogRow {
  /** Optimizer steps done. */
  step: number;
  /** Epochs done, with the fraction of the current one. */
  epoch: number;
  /** Figures, by the names docs/training.md lists. */
  [metric: string]: Json;
}

/** The file, open for appending. */
export class LogFile {
  readonly #file: Deno.FsFile;
  #bytes: number;

  private constructor(file: Deno.FsFile, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Opens the file, cut to its first `keepBytes` bytes. */
  static async open(path: string, keepBytes: number): Promise<LogFile> {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    await file.truncate(keepBytes);
    await file.seek(0, Deno.SeekMode.End);
    return new LogFile(file, keepBytes);
  }

  /** Bytes written so far; what a checkpoint remembers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends a row. */
  async append(row: LogRow): Promise<void> {
    const line = new TextEncoder().encode(JSON.stringify(row) + "\n");
    for (let at = 0; at < line.length;) at += await this.#file.write(line.subarray(at));
    this.#bytes += line.length;
  }

  /** Waits until what was appended is on the disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }
}
