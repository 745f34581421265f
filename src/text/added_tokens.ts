/**
 * Finds added tokens (special tokens, mostly) in a text: the leftmost, and of those that begin at
 * one place the longest, as Hugging Face's libraries do.
 */

/** An added token of tokenizer.json. */
export interface AddedToken {
  /** As a text holds it. */
  readonly content: string;
  /** Its id. */
  readonly id: number;
  /** White space before it belongs to it. */
  readonly lstrip: boolean;
  /** White space after it belongs to it. */
  readonly rstrip: boolean;
}

/** Splits texts at added tokens. */
export class AddedTokenSplitter {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #pattern: RegExp | undefined;
  readonly #strips: boolean;

  /** Prepares a set of tokens; where a content is listed twice the last one holds. */
  constructor(tokens: readonly AddedToken[]) {
    this.#tokens = new Map(tokens.map((token) => [token.content, token]));
    this.#strips = tokens.some(({ lstrip, rstrip }) => lstrip || rstrip);
    const contents = [...this.#tokens.keys()].sort((a, b) => b.length - a.length);
    if (contents.length > 0) this.#pattern = new RegExp(contents.map(RegExp.escape).join("|"), "g");
  }

  /** Gives a text's parts in order: an id for each token, the text between them; no empty text. */
  split(text: string): (string | number)[] {
    if (this.#pattern === undefined) return text === "" ? [] : [text];
    const parts: (string | number)[] = [];
    let from = 0;
    let before: AddedToken | undefined;
    const push = (end: number, after?: AddedToken) => {
      const between = text.slice(from, end);
      const part = this.#strips ? stripped(between, before, after) : between;
      if (part !== "") parts.push(part);
    };
    this.#pattern.lastIndex = 0;
    for (let match; (match = this.#pattern.exec(text)) !== null;) {
      const { 0: content, index } = match;
      const token = this.#tokens.get(content)!;
      push(index, token);
      parts.push(token.id);
      from = index + content.length;
      before = token;
    }
    push(text.length);
    return parts;
  }

  /** The id of a text that is a token as a whole. */
  idOf(text: string): number | undefined {
    return this.#tokens.get(text)?.id;
  }
}

function stripped(text: string, before?: AddedToken, after?: AddedToken): string {
  const from = before?.rstrip ? text.trimStart() : text;
  return after?.lstrip ? from.trimEnd() : from;
}
