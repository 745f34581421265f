/** What a verb is to continue: a text or a conversation, from flags, a file or stdin. */

import type { Message } from "../data/pair.ts";
import { badCombination, badMessages, promptNotRead } from "./errors.ts";
import type { Flag, FlagValues } from "./flags.ts";
import { readText } from "./input.ts";
import type { CliContext } from "./verb.ts";

/** Where a prompt comes from. */
export const promptFlags = {
  prompt: {
    kind: "text",
    value: "text",
    help: "What the model goes on from. Without it, what comes in on stdin.",
  },
  "prompt-file": {
    kind: "text",
    value: "file",
    help: "The same, from a file; the newline at its end is left out.",
  },
  messages: {
    kind: "text",
    value: "file",
    help: "A JSON file of {role, content} turns, for the chat template.",
  },
  chat: {
    kind: "switch",
    help: "Put the prompt into the model's chat template, as a user's turn.",
  },
  system: {
    kind: "text",
    value: "text",
    help: "The system's turn before the prompt; implies --chat.",
  },
} as const satisfies Record<string, Flag>;

/** Reads the prompt that flags name. @throws {OddsmithError} ARGUMENTS. */
export async function readPrompt(
  flags: FlagValues<typeof promptFlags>,
  { stdin }: CliContext,
): Promise<string | Message[]> {
  const { prompt, messages, chat, system } = flags;
  const file = flags["prompt-file"];
  const given = [prompt, file, messages].filter((value) => value !== undefined).length;
  if (given > 1 || (given === 0 && stdin.isTerminal())) {
    throw badCombination("Cannot generate: give one of --prompt, --prompt-file and --messages");
  }
  const before = system === undefined ? [] : [{ role: "system", content: system }];
  if (messages !== undefined) return [...before, ...await readMessagesFile(messages)];
  const text = prompt ?? withoutLastNewline(await (file ? readPromptFile(file) : readText(stdin)));
  if (text === "") {
    throw badCombination("Cannot generate: the prompt is empty", "give --prompt, or text on stdin");
  }
  return chat || system !== undefined ? [...before, { role: "user", content: text }] : text;
}

function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}

async function readPromptFile(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw promptNotRead(file, error);
  }
}

async function readMessagesFile(file: string): Promise<Message[]> {
  const { readMessages } = await import("../data/messages.ts");
  try {
    return readMessages(JSON.parse(await Deno.readTextFile(file)), "messages");
  } catch (error) {
    throw badMessages(file, error instanceof Error ? error.message : String(error));
  }
}
