/**
 * Where a text stops being JSON, and what was expected there: the engine's own message does not
 * always say. Only for texts that `JSON.parse` refuses.
 */

/** The first fault of a text. */
export interface JsonFault {
  /** Offset in the text, in UTF-16 units. */
  readonly offset: number;
  /** What was expected, and what is there. */
  readonly reason: string;
}

type Wanted =
  | "a value"
  | `a value or "]"`
  | `a key or "}"`
  | "a key"
  | `":"`
  | `"," or "]"`
  | `"," or "}"`
  | "the end";

const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  /[{}[\]:,]|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/yu;

/** Finds the first fault, or undefined where the text is JSON after all. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ("{" | "[")[] = [];
  let wanted: Wanted = "a value";
  for (let at = 0;; at = TOKEN.lastIndex) {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    TOKEN.lastIndex = SPACE.lastIndex;
    const offset = SPACE.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null && offset === text.length && wanted === "the end") return undefined;
    const next: Wanted | undefined = match === null
      ? undefined
      : after(match[0], match[1] !== undefined, wanted, open);
    if (next === undefined) {
      return { offset, reason: `expected ${wanted}, received ${received(text, offset)}` };
    }
    wanted = next;
  }
}

/** What may follow a token, or undefined where the token was not what was wanted. */
function after(
  token: string,
  isText: boolean,
  wanted: Wanted,
  open: ("{" | "[")[],
): Wanted | undefined {
  const closes = (token === "]" || token === "}") && wanted.endsWith(`"${token}"`);
  if (closes) open.pop();
  else if (wanted.startsWith("a value")) {
    if (token === "{" || token === "[") {
      open.push(token);
      return token === "{" ? `a key or "}"` : `a value or "]"`;
    }
    if (/^[\]}:,]/.test(token)) return undefined;
  } else if (wanted.startsWith("a key")) return isText ? `":"` : undefined;
  else if (wanted === `":"`) return token === ":" ? "a value" : undefined;
  else if (token !== "," || wanted === "the end") return undefined;
  else return open.at(-1) === "{" ? "a key" : "a value";
  const inside = open.at(-1);
  return inside === undefined ? "the end" : inside === "{" ? `"," or "}"` : `"," or "]"`;
}

function received(text: string, offset: number): string {
  if (offset >= text.length) return "the end of the file";
  const [word] = /^(?:[\w.+-]+|"[^"\n]{0,30}"?|.)/u.exec(text.slice(offset, offset + 40)) ?? ["?"];
  return word.startsWith(`"`) ? word : `"${word}"`;
}
