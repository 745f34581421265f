/** What a device holds, and the most it held. */

/** Bytes a device holds, unused pooled buffers included. */
export interface DeviceMemory {
  /** Now. */
  bytes(): number;
  /** At most since the device was opened or `restart` was called. */
  peakBytes(): number;
  /** Takes what is held now into account; for backends that do not tell of every allocation. */
  note(): void;
  /** Begins a new peak at what is held now. */
  restart(): void;
  /** Gives back what is kept for reuse alone, and begins a new peak: other work is to come. */
  release(): void;
}

/** Watches a figure whose changes somebody notes. */
export class WatchedMemory implements DeviceMemory {
  readonly #read: () => number;
  readonly #release: () => void;
  #peak = 0;

  /** Takes what tells the bytes held now, and what gives back those that are not in use. */
  constructor(read: () => number, release: () => void = () => {}) {
    this.#read = read;
    this.#release = release;
  }

  bytes(): number {
    return this.#read();
  }

  peakBytes(): number {
    this.note();
    return this.#peak;
  }

  note(): void {
    this.#peak = Math.max(this.#peak, this.#read());
  }

  restart(): void {
    this.#peak = this.#read();
  }

  release(): void {
    this.#release();
    this.restart();
  }
}
