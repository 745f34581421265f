/**
 * The loop of a chat: lines in, answers out, commands between. Answers go to stdout, all else to
 * stderr. Ctrl-C stops the answer under way; twice in a row where none is, it ends the chat.
 */

import { writeFileAtomic } from "../base/atomic.ts";
import { OddsmithError } from "../base/error.ts";
import type { AnswerOptions } from "../chat/answer.ts";
import type { Conversation } from "../chat/conversation.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { readLines } from "./input.ts";
import { jsonText } from "./output.ts";
import type { CliContext } from "./verb.ts";

/** Somebody who answers. */
export interface Partner {
  /** Shown before answers where there are several. */
  readonly name: string;
  readonly conversation: Conversation;
  /** How it answers, but for what the terminal adds. */
  readonly options: AnswerOptions;
}

const HELP = [
  "/reset           forget what was said",
  "/system [text]   what the model is told before all turns; without text, nothing",
  "/save <file>     write the conversation as JSON, for generate --messages",
  "/exit            leave; so does Ctrl-D",
  "//...            say something that begins with a slash",
];

/** A chat on a terminal or a pipe. */
export class ChatTerminal {
  readonly #context: CliContext;
  readonly #partners: readonly Partner[];
  readonly #leftOut = new Map<Partner, number>();
  #answering: AbortController | undefined;
  #interrupts = 0;

  /** @param partners One, or several who all hear what is said and see only their own answers. */
  constructor(context: CliContext, partners: readonly Partner[]) {
    this.#context = context;
    this.#partners = partners;
  }

  /** Goes on until the input ends, /exit, or Ctrl-C twice. */
  async run(): Promise<ExitCode> {
    const { promise: quit, resolve } = Promise.withResolvers<"quit">();
    const hear = () => {
      if (this.#answering) return this.#answering.abort(new Error("interrupted"));
      if (++this.#interrupts > 1) return resolve("quit");
      this.#context.say("\n/exit or Ctrl-C again ends the chat");
      this.#prompt();
    };
    Deno.addSignalListener("SIGINT", hear);
    const lines = readLines(this.#context.stdin).getReader();
    try {
      while (true) {
        this.#prompt();
        const next = await Promise.race([lines.read(), quit]);
        if (next === "quit") return EXIT.interrupted;
        if (next.done) return EXIT.ok;
        this.#interrupts = 0;
        if (await this.#take(next.value) === "exit") return EXIT.ok;
      }
    } finally {
      Deno.removeSignalListener("SIGINT", hear);
      lines.cancel().catch(() => {});
    }
  }

  #prompt(): void {
    if (this.#context.stdin.isTerminal()) this.#context.show("> ");
  }

  /** Does what a line says; an error of ours is told and the chat goes on. */
  async #take(line: string): Promise<"exit" | void> {
    if (line.trim() === "") return;
    try {
      if (!line.startsWith("/") || line.startsWith("//")) {
        return await this.#say(line.replace(/^\/\//, "/"));
      }
      return await this.#command(line);
    } catch (error) {
      if (!(error instanceof OddsmithError) || error.kind === "DeviceError") throw error;
      this.#context.say(error.format());
    }
  }

  async #say(text: string): Promise<void> {
    const answering = new AbortController();
    this.#answering = answering;
    try {
      for (const partner of this.#partners) {
        if (answering.signal.aborted) break;
        if (this.#partners.length > 1) this.#context.write(`== ${partner.name}\n`);
        await this.#hear(partner, text, answering.signal);
      }
    } finally {
      this.#answering = undefined;
    }
  }

  async #hear(partner: Partner, text: string, signal: AbortSignal): Promise<void> {
    const { write, say } = this.#context;
    const { answer, leftOut } = await partner.conversation.ask(text, {
      ...partner.options,
      signal,
      onText: write,
    });
    write("\n");
    if (answer === undefined) say("(stopped)");
    else if (answer.end === "length") {
      say("(the answer was cut off: --max-new-tokens, or the context)");
    }
    if (leftOut !== (this.#leftOut.get(partner) ?? 0)) {
      say(`(the conversation outgrew the model: its oldest ${leftOut} turns are left out)`);
    }
    this.#leftOut.set(partner, leftOut);
  }

  async #command(line: string): Promise<"exit" | void> {
    const [, name, rest] = /^(\/\S*)\s*(.*)$/s.exec(line)!;
    const { say } = this.#context;
    switch (name) {
      case "/exit":
        return "exit";
      case "/reset":
        for (const { conversation } of this.#partners) conversation.reset();
        this.#leftOut.clear();
        return say("(forgotten)");
      case "/system":
        for (const { conversation } of this.#partners) conversation.system = rest || undefined;
        return say(rest ? "(told)" : "(no system message)");
      case "/save":
        return rest ? await this.#save(rest) : say("/save needs a file's name");
      case "/help":
        return say(HELP.join("\n"));
      default:
        return say(`no such command: ${name}; /help lists them`);
    }
  }

  async #save(file: string): Promise<void> {
    for (const [at, { name, conversation }] of this.#partners.entries()) {
      // The last is the one the chat is about; others are saved beside it.
      const isMain = at === this.#partners.length - 1;
      const path = isMain ? file : file.replace(/(\.json)?$/, ".base.json");
      try {
        await writeFileAtomic(path, jsonText(conversation.messages));
        this.#context.say(`(${name} saved to ${path})`);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        this.#context.say(`Cannot write "${path}": ${error.message}`);
      }
    }
  }
}
