/**
 * Cuts a JSON document that is a list of rows into its rows, chunk by chunk, without parsing or
 * holding more than the row at hand. It finds where values begin and end; whether what is between
 * is JSON is for JSON.parse to say, row by row.
 *
 * Three documents are lists of rows: an array; an object whose member "data", "rows", "examples"
 * or "instances" is an array (its other members are passed over); objects one after another.
 */

import { format as formatBytes } from "@std/fmt/bytes";
import { joinBytes, MAX_ROW_BYTES, strictDecoder } from "./lines.ts";

/** One row's bytes and the line (from 1) it begins on. */
export interface Piece {
  /** UTF-8, not yet checked. */
  bytes: Uint8Array;
  /** From 1. */
  line: number;
}

/** What breaks the list itself, outside its rows. */
export class ListFault extends Error {
  /** From 1. */
  readonly line: number;

  /** Says what breaks the list, and on which line (from 1). */
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const SPACE = 0x20, TAB = 0x09, RETURN = 0x0d;
const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, LINE_FEED = 0x0a;
const OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/** Where an object that wraps its rows begins the array of them. */
const WRAPPER =
  /^\s*\{(?:\s*"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)\s*,)*\s*"(?:data|rows|examples|instances)"\s*:\s*\[/;
const WRAPPER_REACH_BYTES = 1 << 14;

type State =
  | "start" // before the first value
  | "first" // after "[": a value or "]"
  | "next" // after a comma: a value
  | "comma" // after a value: "," or "]"
  | "value" // inside a row
  | "between" // objects one after another: between two
  | "tail" // after the array, inside the object that wraps it
  | "end"; // nothing but white space may follow

/** The cutting machine; feed it chunks in order, then call `end`. */
export class JsonSplitter {
  #state: State = "start";
  #wrapped = false;
  #concatenated = false;
  /** Open brackets inside the row, or, in the tail, of the wrapping object. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #line = 1;
  #pieceLine = 1;
  #open: Uint8Array[] = [];
  #openBytes = 0;
  /** What stands before the rows in the object that wraps them. */
  #head: Uint8Array = new Uint8Array();
  /** Found after rows that are still to be given. */
  #fault: ListFault | undefined;

  /**
   * Takes the next chunk and gives the rows that end in it.
   *
   * @throws ListFault where the list is broken; after rows that are complete, at the next call.
   */
  push(chunk: Uint8Array): Piece[] {
    const pieces: Piece[] = [];
    try {
      this.#cut(chunk, pieces);
    } catch (error) {
      if (!(error instanceof ListFault)) throw error;
      this.#fault = error;
    }
    if (pieces.length === 0) this.#check();
    return pieces;
  }

  /** Says that the document is over. @throws ListFault where it is broken or not complete. */
  end(): void {
    this.#check();
    const whole = this.#state === "end" || this.#state === "between" || this.#state === "start";
    if (!whole) throw new ListFault("the file ends too early", this.#line);
  }

  #check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  #cut(chunk: Uint8Array, pieces: Piece[]): void {
    this.#check();
    let at = this.#state === "start" ? this.#begin(chunk) : 0;
    let from = 0;
    while (at < chunk.length) {
      if (this.#state === "value") {
        const end = this.#scan(chunk, at);
        if (end < 0) break;
        this.#keep(chunk.subarray(from, end));
        at = end;
        pieces.push({ bytes: this.#take(), line: this.#pieceLine });
        this.#state = this.#concatenated ? "between" : "comma";
      } else if (this.#state === "tail") {
        from = at;
        const end = this.#scan(chunk, at);
        if (end < 0) break;
        this.#keep(chunk.subarray(from, end));
        at = end;
        this.#checkWrapper();
        this.#state = "end";
      } else {
        const byte = chunk[at]!;
        if (byte === LINE_FEED) this.#line++;
        if (!isWhiteSpace(byte)) {
          this.#step(byte);
          // A row begins at this byte: `scan` reads it again as the row's first.
          if ((this.#state as State) === "value") {
            from = at;
            continue;
          }
        }
        at++;
      }
    }
    if (this.#state === "value" || this.#state === "tail") this.#keep(chunk.subarray(from));
  }

  /** Holds a part of a row, or of the tail. @throws ListFault where a row grows beyond all reason. */
  #keep(part: Uint8Array): void {
    this.#openBytes += part.length;
    if (this.#openBytes <= MAX_ROW_BYTES) this.#open.push(part);
    else if (this.#state === "tail") this.#open = [];
    else {
      throw new ListFault(
        `it is longer than ${formatBytes(MAX_ROW_BYTES, { binary: true })}`,
        this.#pieceLine,
      );
    }
  }

  #take(): Uint8Array {
    const bytes = joinBytes(this.#open);
    this.#open = [];
    this.#openBytes = 0;
    return bytes;
  }

  /**
   * The object that wraps the rows must be JSON without them; one that has far more beside them is
   * not looked at. @throws ListFault.
   */
  #checkWrapper(): void {
    const isHeld = this.#openBytes <= MAX_ROW_BYTES;
    const bytes = joinBytes([this.#head, new Uint8Array([CLOSE_LIST]), this.#take()]);
    if (isHeld && !isJson(bytes)) {
      throw new ListFault("the object around the rows is not JSON", this.#line);
    }
  }

  /** Finds what kind of list it is; gives where its rows begin in the first chunk. */
  #begin(chunk: Uint8Array): number {
    const head = new TextDecoder("latin1").decode(chunk.subarray(0, WRAPPER_REACH_BYTES));
    const wrapper = WRAPPER.exec(head);
    if (wrapper === null) return 0;
    this.#wrapped = true;
    this.#state = "first";
    this.#head = chunk.slice(0, wrapper[0].length);
    this.#line += wrapper[0].split("\n").length - 1;
    return wrapper[0].length;
  }

  /** Takes one byte that is not white space and not inside a row. */
  #step(byte: number): void {
    switch (this.#state) {
      case "start":
        if (byte === OPEN_LIST) this.#state = "first";
        else if (byte === OPEN_OBJECT) {
          this.#concatenated = true;
          this.#enter();
        } else throw new ListFault(`expected "[" or "{"`, this.#line);
        return;
      case "between":
        // Objects one after another may be separated by commas, as some tools write them.
        if (byte === OPEN_OBJECT) this.#enter();
        else if (byte !== COMMA) throw new ListFault(`expected "{"`, this.#line);
        return;
      case "first":
      case "next":
        if (byte === CLOSE_LIST && this.#state === "first") this.#close();
        else if (byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
          throw new ListFault("expected a row", this.#line);
        } else this.#enter();
        return;
      case "comma":
        if (byte === COMMA) this.#state = "next";
        else if (byte === CLOSE_LIST) this.#close();
        else throw new ListFault(`expected "," or "]"`, this.#line);
        return;
      default:
        throw new ListFault("there is text after the end of the list", this.#line);
    }
  }

  #enter(): void {
    this.#state = "value";
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#pieceLine = this.#line;
  }

  #close(): void {
    this.#state = this.#wrapped ? "tail" : "end";
    this.#depth = 1;
    this.#inString = false;
    this.#escaped = false;
  }

  /** Reads on inside a value; gives the place after its end, or -1 where the chunk ends first. */
  #scan(chunk: Uint8Array, start: number): number {
    let depth = this.#depth, inString = this.#inString, escaped = this.#escaped;
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === LINE_FEED) this.#line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        // A number or a string ends before the list's own bracket, which is not part of it.
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
      } else if (depth === 0 && byte === COMMA) return at;
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return -1;
  }
}

function isWhiteSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === RETURN || byte === TAB;
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(strictDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}
