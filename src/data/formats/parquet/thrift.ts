/**
 * Walks over a Thrift struct (compact protocol) before the library reads it. The library believes
 * what a list says of its length and reads numbers of any length.
 */

const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  12,
] as const satisfies number[];

const DEEPEST = 32;
/** Of a number of 64 bits, seven a byte. */
const LONGEST_NUMBER = 10;

/**
 * Gives where the struct that begins at a place ends.
 *
 * @throws Error where it goes beyond the bytes, or claims what they cannot hold.
 */
export function structEnd(view: DataView, start: number): number {
  return new Walk(view, start).struct(0);
}

/** Gives a number of at most 64 bits, seven a byte, and the place after it. */
export function readNumber(view: DataView, start: number): [value: number, end: number] {
  let value = 0;
  for (let at = start; at < start + LONGEST_NUMBER && at < view.byteLength; at++) {
    const byte = view.getUint8(at);
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return [value, at + 1];
  }
  throw new Error("a number in it does not end");
}

class Walk {
  readonly #view: DataView;
  #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  struct(depth: number): number {
    if (depth > DEEPEST) throw new Error("its header is nested too deeply");
    while (true) {
      const field = this.#byte();
      const type = field & 0x0f;
      if (type === STOP) return this.#at;
      if (field >> 4 === 0) this.#number();
      this.#element(type, depth);
    }
  }

  #element(type: number, depth: number): void {
    switch (type) {
      case TRUE:
      case FALSE:
        return;
      case BYTE:
        return this.#skip(1);
      case I16:
      case I32:
      case I64:
        return void this.#number();
      case DOUBLE:
        return this.#skip(8);
      case BINARY:
        return this.#skip(this.#number());
      case LIST:
        return this.#list(depth);
      case STRUCT:
        return void this.struct(depth + 1);
      default:
        throw new Error(`its header has a field of an unknown type, ${type}`);
    }
  }

  #list(depth: number): void {
    const head = this.#byte();
    const type = head & 0x0f;
    const short = head >> 4;
    const count = short === 15 ? this.#number() : short;
    // No element takes less than a byte.
    if (count > this.#view.byteLength - this.#at) {
      throw new Error(`its header claims a list of ${count}`);
    }
    const isFlags = type === TRUE || type === FALSE;
    for (let i = 0; i < count; i++) this.#element(isFlags ? BYTE : type, depth + 1);
  }

  #byte(): number {
    this.#skip(1);
    return this.#view.getUint8(this.#at - 1);
  }

  #number(): number {
    const [value, end] = readNumber(this.#view, this.#at);
    this.#at = end;
    return value;
  }

  #skip(count: number): void {
    if (count > this.#view.byteLength - this.#at) throw new Error("its header is cut short");
    this.#at += count;
  }
}
