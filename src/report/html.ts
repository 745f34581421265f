/**
 * HTML as a value that can't be forgotten to be escaped: `html` escapes every string put into it,
 * and only another `Html` goes in unchanged. Everything on a page is made by it.
 */

/** Markup that is safe to put on a page as it is. */
export class Html {
  /** Wraps markup; `text` must come from `html` or from a serializer that escapes. */
  constructor(readonly text: string) {}

  /** The markup. */
  toString(): string {
    return this.text;
  }
}

/** What may stand in an `html` template: absent and false parts leave nothing. */
export type HtmlPart = string | number | Html | undefined | null | false | readonly HtmlPart[];

/**
 * Builds markup from a template, escaping every part that is not `Html`.
 *
 * @example
 * ```ts
 * import { html } from "./html.ts";
 * const name = "</script><b>";
 * console.assert(html`<p title="${name}">${name}</p>`.text.includes("&lt;/script&gt;"));
 * ```
 */
export function html(strings: TemplateStringsArray, ...parts: HtmlPart[]): Html {
  let text = strings[0]!;
  for (const [i, part] of parts.entries()) text += markup(part) + strings[i + 1]!;
  return new Html(text);
}

/** Escapes text for element content and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function markup(part: HtmlPart): string {
  if (part === undefined || part === null || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(markup).join("");
  return escapeHtml(String(part));
}
