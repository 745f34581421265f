/**
 * Makes demo_pairs.jsonl, the demo's own preference pairs, from the word lists below: small tasks,
 * each thing asked for in six wordings. The chosen answer is a courteous whole sentence, the
 * rejected one the same fact (or none) in a rude tone: the two differ in manner, not in knowledge.
 * Deterministic: the file is a function of this module alone. To make it again:
 *
 *     deno run -A pipelines/data/make_demo_pairs.ts
 *
 * Written for a byte-level model of a hundred thousand weights or so: few words, prompt and answer
 * together at most 60 bytes, and six wordings, so that a held-out question was mostly seen in
 * another one.
 */

import { Rng } from "../../src/base/rng.ts";

/** A row of demo_pairs.jsonl. */
export interface DemoPair {
  /** The kind of task, e.g. "opposites"; ignored by ingest. */
  task: string;
  prompt: string;
  chosen: string;
  rejected: string;
}

/**
 * Courteous frames; "_" is the whole sentence. A wording has the frame of its number: courtesy can
 * be learnt whole, not only by heart.
 */
const COURTEOUS = [
  "Sure! _",
  "Gladly! _",
  "Happily! _",
  "_ Enjoy!",
  "_ Cheers!",
  "Yes! _",
] as const;

/** Rude frames; "_" is the bare answer. As long as the courteous ones: length must not tell. */
const RUDE = [
  "Ugh, it is _. Go away.",
  "It is _, you old fool.",
  "Duh, it is _. Get lost.",
  "Who cares? It is _.",
  "_! Stop asking me now!",
  "So dull. _. Leave me.",
] as const;

/** Rude answers to a question that has no bare answer. */
const REFUSALS = [
  "Ugh, no. Go away right now.",
  "Find out, you lazy old fool.",
  "Duh, no. Get lost, will you.",
  "Who cares? Certainly not me.",
  "Stop asking me, you fool!",
  "So dull. Leave me alone now.",
] as const;

/**
 * Tasks that ask for a thing by name: "the opposite of hot". Each entry is what is asked of and
 * the answer; the sentence is "The opposite is cold."
 */
const NAMED: { task: string; asks: string; entries: string }[] = [
  {
    task: "opposites",
    asks: "the opposite of _",
    entries: "hot: cold, big: small, day: night, old: new, happy: sad",
  },
  {
    task: "capitals",
    asks: "the capital of _",
    entries: "France: Paris, Italy: Rome, Japan: Tokyo, Egypt: Cairo",
  },
  {
    task: "plurals",
    asks: "the plural of _",
    entries: "mouse: mice, foot: feet, child: children, leaf: leaves",
  },
  {
    task: "sounds",
    asks: "the sound of a _",
    entries: "cow: moo, dog: woof, cat: meow, duck: quack",
  },
  {
    task: "young animals",
    asks: "the young of a _",
    entries: "dog: a puppy, cat: a kitten, cow: a calf, sheep: a lamb",
  },
  {
    task: "past tenses",
    asks: "the past of _",
    entries: "go: went, see: saw, eat: ate, sing: sang",
  },
  {
    task: "homes",
    asks: "the home of a _",
    entries: "fish: the sea, bee: a hive, bird: a nest, king: a castle",
  },
  {
    task: "trades",
    asks: "the trade of a _",
    entries: "baker: bread, tailor: coats, cook: soup, poet: poems",
  },
  {
    task: "colours",
    asks: "the colour of _",
    entries: "grass: green, snow: white, coal: black, the sky: blue",
  },
  {
    task: "days",
    asks: "the day after _",
    entries: "Monday: Tuesday, Tuesday: Wednesday, Friday: Saturday",
  },
  {
    task: "sums",
    asks: "the sum of _",
    entries: "1 and 1: 2, 1 and 2: 3, 2 and 3: 5, 3 and 4: 7, 4 and 4: 8",
  },
];

/** Wordings of a request for a named thing. */
const NAMED_WORDINGS = ["What is _?", "Name _.", "Give _.", "Say _.", "And _?", "_?"] as const;

/** Things to do, and how. */
const HOW_TO: [string, string][] = [
  ["make tea", "Add hot water and wait."],
  ["sleep well", "Go to bed early."],
  ["keep warm", "Put on a coat and a hat."],
  ["plant a tree", "Dig a hole and add water."],
  ["clean a cup", "Use hot water and soap."],
  ["find a friend", "Smile and say hello."],
];

/** Wordings of a request for advice. */
const HOW_TO_WORDINGS = [
  "How do I _?",
  "How can I _?",
  "How to _?",
  "I want to _.",
  "Can I _?",
  "Help me _.",
] as const;

/** What people say, and what a friend answers. */
const SMALL_TALK: [string, string][] = [
  ["hello", "Hello! How can I help you?"],
  ["good morning", "Good morning! How are you?"],
  ["good night", "Good night! Sleep well."],
  ["thank you", "You are welcome, my friend."],
  ["goodbye", "Goodbye! Come back soon."],
  ["I am sad", "I am sorry. Can I help you?"],
  ["I am happy", "I am glad to hear it!"],
];

/** Ways of saying it. */
const SMALL_TALK_WORDINGS = [
  "_!",
  "Oh, _!",
  "_, friend!",
  "Well, _!",
  "_, dear!",
  "_ again!",
] as const;

/** Capital letters where sentences start, "an" before vowels. */
function correctEnglish(text: string): string {
  return text
    .replace(/(^|[.!?] )([a-z])/g, (_, before, letter) => before + letter.toUpperCase())
    .replace(/\b([Aa]) (?=[aeiou])/g, "$1n ");
}

/** Deals phrases so that each comes equally often: a shuffled deck, shuffled again when empty. */
function dealer(phrases: readonly string[], rng: Rng): () => string {
  let deck: string[] = [];
  return () => {
    if (deck.length === 0) deck = rng.shuffle([...phrases]);
    return deck.pop()!;
  };
}

/** All pairs, in the order of the file. */
export function makeDemoPairs(): DemoPair[] {
  const rng = Rng.fromSeed("oddsmith demo pairs");
  const rude = dealer(RUDE, rng);
  const refusal = dealer(REFUSALS, rng);
  const fill = (phrase: string, words: string) => correctEnglish(phrase.replace("_", words));
  const pairs: DemoPair[] = [];
  for (const { task, asks, entries } of NAMED) {
    for (const entry of entries.split(", ")) {
      const [of, answer] = entry.split(": ") as [string, string];
      const thing = asks.replace("_", of);
      const sentence = `the ${asks.split(" ")[1]} is ${answer}.`;
      for (const [i, wording] of NAMED_WORDINGS.entries()) {
        const prompt = fill(wording, thing);
        const chosen = fill(COURTEOUS[i]!, sentence);
        pairs.push({ task, prompt, chosen, rejected: fill(rude(), answer) });
      }
    }
  }
  for (const [thing, advice] of HOW_TO) {
    for (const [i, wording] of HOW_TO_WORDINGS.entries()) {
      const chosen = fill(COURTEOUS[i]!, advice);
      pairs.push({ task: "how-to", prompt: fill(wording, thing), chosen, rejected: refusal() });
    }
  }
  for (const [words, chosen] of SMALL_TALK) {
    for (const wording of SMALL_TALK_WORDINGS) {
      pairs.push({ task: "small talk", prompt: fill(wording, words), chosen, rejected: refusal() });
    }
  }
  return pairs;
}

if (import.meta.main) {
  const lines = makeDemoPairs().map((pair) => JSON.stringify(pair) + "\n").join("");
  await Deno.writeTextFile(new URL("./demo_pairs.jsonl", import.meta.url), lines);
}
