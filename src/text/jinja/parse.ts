/**
 * Reads a template by @huggingface/jinja's lexer and parser, with transformers' settings. Between the
 * two, tests with arguments, which the parser does not know, are spelled as filters.
 */

import { parse, tokenize } from "@huggingface/jinja";
import { TEST_FILTER } from "./filters.ts";
import type { Statement } from "./nodes.ts";
import { JinjaError } from "./values.ts";

type Token = ReturnType<typeof tokenize>[number];

/**
 * Parses a template; blocks take the line end after them and the spaces before them.
 *
 * @throws Error where the text is no template, or one that uses what is not supported.
 */
export function parseTemplate(source: string): Statement[] {
  const lines = source.replace(/\r\n|\r/g, "\n");
  const tokens = tokenize(lines, { lstrip_blocks: true, trim_blocks: true });
  refuseChains(tokens);
  return parse(testsAsFilters(tokens)).body as unknown as Statement[];
}

const OPENING = ["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"];
const CLOSING = ["CloseParen", "CloseSquareBracket", "CloseCurlyBracket"];
const WORDS_BETWEEN = ["and", "or", "not", "else", "if", "is", "in"];

function isWord(token: Token | undefined, ...words: string[]): boolean {
  return token?.type === "Identifier" && words.includes(token.value);
}

/** `x is [not] name argument` and `x is [not] name(arguments)` become `x | "is name"(arguments)`. */
function testsAsFilters(tokens: readonly Token[]): Token[] {
  const written: Token[] = [];
  const like = (token: Token, type: Token["type"], value: string): Token => ({
    ...token,
    type,
    value,
  });
  for (let at = 0; at < tokens.length; at++) {
    const negated = isWord(tokens[at + 1], "not");
    const name = tokens[at + (negated ? 2 : 1)];
    const after = tokens[at + (negated ? 3 : 2)];
    const isTest = isWord(tokens[at], "is") && !isText(tokens, at) && name !== undefined &&
      takesArgument(name, after);
    if (!isTest) {
      written.push(tokens[at]!);
      continue;
    }
    const spelled = (negated ? TEST_FILTER.isNot : TEST_FILTER.is) + name.value;
    written.push(like(name, "Pipe", "|"), like(name, "Identifier", spelled));
    at += negated ? 2 : 1;
    if (after!.type === "OpenParen") continue;
    const end = argumentEnd(tokens, at + 1);
    written.push(
      like(name, "OpenParen", "("),
      ...tokens.slice(at + 1, end),
      like(name, "CloseParen", ")"),
    );
    at = end - 1;
  }
  return written;
}

/** A name after a dot is an attribute. */
function isText(tokens: readonly Token[], at: number): boolean {
  return tokens[at - 1]?.type === "Dot";
}

function takesArgument(name: Token, after: Token | undefined): boolean {
  if (name.type !== "Identifier" || after === undefined) return false;
  if (after.type === "Identifier") return !isWord(after, ...WORDS_BETWEEN);
  return ["OpenParen", "OpenSquareBracket", "StringLiteral", "NumericLiteral"].includes(after.type);
}

/** Where an argument without brackets ends: after a literal, a list, or a name with its attributes. */
function argumentEnd(tokens: readonly Token[], start: number): number {
  let at = start;
  do {
    if (tokens[at]?.type === "Dot") at += 2;
    else if (OPENING.includes(tokens[at]?.type ?? "")) at = closing(tokens, at) + 1;
    else at++;
  } while (
    tokens[at]?.type === "Dot" || tokens[at]?.type === "OpenSquareBracket" ||
    tokens[at]?.type === "OpenParen"
  );
  return at;
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (OPENING.includes(tokens[at]!.type)) depth++;
    if (CLOSING.includes(tokens[at]!.type) && --depth === 0) return at;
  }
  return tokens.length;
}

/** The parser reads `a < b < c` as `(a < b) < c`, which is not what it means; such templates are refused. */
function refuseChains(tokens: readonly Token[]): void {
  const compared: boolean[] = [false];
  tokens.forEach((token, at) => {
    const top = compared.length - 1;
    if (OPENING.includes(token.type)) compared.push(false);
    else if (CLOSING.includes(token.type) && top > 0) compared.pop();
    else if (isComparison(tokens, at)) {
      if (compared[top]) {
        throw new JinjaError(
          "comparisons in a chain (a < b < c) are not supported; write a < b and b < c",
        );
      }
      compared[top] = true;
    } else if (endsComparison(token)) compared[top] = false;
  });
}

function isComparison(tokens: readonly Token[], at: number): boolean {
  if (tokens[at]!.type === "ComparisonBinaryOperator") return true;
  const first = tokens[at - 1];
  return isWord(tokens[at], "in") && !isWord(first, "is") &&
    !(isWord(first, "not") && isWord(tokens[at - 2], "is")) && !inForHead(tokens, at);
}

/** Is this "in" the one of a for? */
function inForHead(tokens: readonly Token[], at: number): boolean {
  let back = at - 1;
  while (
    back >= 0 && ["Identifier", "Comma", "OpenParen", "CloseParen"].includes(tokens[back]!.type) &&
    !isWord(tokens[back], "for")
  ) back--;
  return isWord(tokens[back], "for") && tokens[back - 1]?.type === "OpenStatement";
}

function endsComparison(token: Token): boolean {
  return [
    "Comma",
    "Colon",
    "Equals",
    "CloseStatement",
    "CloseExpression",
    "OpenStatement",
    "OpenExpression",
  ].includes(token.type) ||
    isWord(token, "and", "or", "if", "else");
}
