/**
 * The specifiers a module imports, found in its text: `import`, `export ... from` and
 * `import("...")` with a plain string. Comments, other strings and regular expressions are skipped.
 * Not a parser: a specifier too many does no harm to its caller, so doubtful text counts as code.
 */

/** The last significant piece of code before the scanner's place. */
interface Previous {
  word: string;
  punctuation: string;
  /** The word before an opening parenthesis. */
  called: string;
}

const TRIVIA = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'/y;
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/yu;
const NUMBER = /\d[\w.]*/y;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
const BEFORE_REGEXP = new Set(
  "return typeof case in of delete void throw new do else await yield instanceof".split(" "),
);

/**
 * Lists the specifiers a module imports, in order, without duplicates.
 *
 * @example
 * ```ts
 * import { importSpecifiers } from "./import_scan.ts";
 * const found = importSpecifiers('import a from "./a.ts"; // import "./b.ts"');
 * console.assert(found.length === 1 && found[0] === "./a.ts");
 * ```
 */
export function importSpecifiers(code: string): string[] {
  const found = new Set<string>();
  scanCode(code, 0, found, false);
  return [...found];
}

/** Scans from `start`; inside a template's `${}` it ends at the closing brace. Returns the end. */
function scanCode(code: string, start: number, found: Set<string>, inTemplate: boolean): number {
  let at = start;
  let depth = 0;
  let previous: Previous = { word: "", punctuation: "", called: "" };
  while (at < code.length) {
    const char = code[at]!;
    const trivia = matchAt(TRIVIA, code, at);
    if (trivia !== undefined) {
      at += trivia[0].length;
      continue;
    }
    const text = matchAt(STRING, code, at);
    if (text !== undefined) {
      if (isSpecifier(previous)) found.add(text[1] ?? text[2]!);
      at += text[0].length;
      previous = { word: "", punctuation: char, called: "" };
      continue;
    }
    if (char === "`") {
      at = scanTemplate(code, at, found, isSpecifier(previous));
      previous = { word: "", punctuation: char, called: "" };
      continue;
    }
    const piece = matchAt(WORD, code, at) ?? matchAt(NUMBER, code, at) ??
      (startsRegExp(char, previous) ? matchAt(REGEXP, code, at) : undefined);
    if (piece !== undefined) {
      const isRegExp = piece[0].startsWith("/");
      previous = isRegExp
        ? { word: "", punctuation: ")", called: "" }
        : { word: piece[0], punctuation: "", called: "" };
      at += piece[0].length;
      continue;
    }
    if (char === "{") depth++;
    if (char === "}" && --depth < 0 && inTemplate) return at;
    previous = { word: "", punctuation: char, called: char === "(" ? previous.word : "" };
    at++;
  }
  return at;
}

/** Scans a template literal from its backtick; without `${}` it may be a specifier itself. */
function scanTemplate(code: string, start: number, found: Set<string>, specifier: boolean): number {
  let at = start + 1;
  let plain = true;
  while (at < code.length && code[at] !== "`") {
    if (code[at] === "\\") at += 2;
    else if (code.startsWith("${", at)) {
      plain = false;
      at = scanCode(code, at + 2, found, true) + 1;
    } else at++;
  }
  if (specifier && plain) found.add(code.slice(start + 1, at));
  return at + 1;
}

function isSpecifier(previous: Previous): boolean {
  return previous.word === "from" || previous.word === "import" || previous.called === "import";
}

function startsRegExp(char: string, previous: Previous): boolean {
  if (char !== "/") return false;
  if (previous.word !== "") return BEFORE_REGEXP.has(previous.word);
  return !/[)\]}"'`]/.test(previous.punctuation);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
