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
}

/** Watches a figure whose changes somebody notes. */
export class WatchedMemory implements DeviceMemory {
  readonly #read: () => number;
  #peak = 0;

  /** Takes what tells the bytes held now. */
  constructor(read: () => number) {
    this.#read = read;
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
}
