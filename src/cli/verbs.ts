/** The verbs there are. Each is a module of its own, loaded only when it is called. */

import type { AnyVerb } from "./verb.ts";

const VERBS: ReadonlyMap<string, readonly [summary: string, load: () => Promise<AnyVerb>]> =
  new Map<string, readonly [string, () => Promise<AnyVerb>]>([
    ["run", ["Run a pipeline.", async () => (await import("./verbs/run.ts")).runVerb]],
    ["plan", [
      "Say which stages would run, and why.",
      async () => (await import("./verbs/plan.ts")).planVerb,
    ]],
    ["validate", [
      "Check a pipeline file and name every problem.",
      async () => (await import("./verbs/validate.ts")).validateVerb,
    ]],
    ["schema", [
      "Write the JSON Schema of pipeline files, for editors.",
      async () => (await import("./verbs/schema.ts")).schemaVerb,
    ]],
    ["ls", [
      "List runs, the stages of a run, or the built-in stages.",
      async () => (await import("./verbs/ls.ts")).lsVerb,
    ]],
    ["inspect", [
      "Look into a run, or into one of its artifacts.",
      async () => (await import("./verbs/inspect.ts")).inspectVerb,
    ]],
    ["compare", [
      "Put the configurations and figures of runs side by side.",
      async () => (await import("./verbs/compare.ts")).compareVerb,
    ]],
    ["generate", [
      "Generate text with a trained model.",
      async () => (await import("./verbs/generate.ts")).generateVerb,
    ]],
    ["chat", [
      "Talk to a trained model.",
      async () => (await import("./verbs/chat.ts")).chatVerb,
    ]],
    ["serve", [
      "Answer OpenAI's API with a trained model, on this machine.",
      async () => (await import("./verbs/serve.ts")).serveVerb,
    ]],
    ["export", [
      "Write a model as a Hugging Face folder, a PEFT adapter or GGUF.",
      async () => (await import("./verbs/export.ts")).exportVerb,
    ]],
    ["new", [
      "Write the skeleton of a stage or of a pipeline.",
      async () => (await import("./verbs/new.ts")).newVerb,
    ]],
    ["doctor", [
      "Check this machine: device, driver, store, versions.",
      async () => (await import("./verbs/doctor.ts")).doctorVerb,
    ]],
    ["gc", [
      "Remove stored artifacts that no run uses.",
      async () => (await import("./verbs/gc.ts")).gcVerb,
    ]],
  ]);

/** What each verb does, in the order of the help. */
export const verbSummaries: ReadonlyMap<string, string> = new Map(
  [...VERBS].map(([name, [summary]]) => [name, summary]),
);

/** Loads a verb that is known to be there. */
export async function loadVerb(name: string): Promise<AnyVerb> {
  return await VERBS.get(name)![1]();
}
