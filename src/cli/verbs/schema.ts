/** `schema`: the JSON Schema of pipeline files, the built-in stages' options included. */

import { writeFileAtomic } from "../../base/atomic.ts";
import { pipelineSchema } from "../../runner/load/schema.ts";
import { fileNotWritten } from "../errors.ts";
import { EXIT } from "../exit_code.ts";
import { jsonText } from "../output.ts";
import { defineVerb } from "../verb.ts";

/** The verb. */
export const schemaVerb = defineVerb({
  name: "schema",
  usage: "[options]",
  required: [],
  most: 0,
  flags: {
    out: { kind: "text", value: "file", help: "Write it there instead of to stdout." },
  },
  examples: [
    [
      "schema --out pipelines/pipeline.schema.json",
      "Gives editors completion: # yaml-language-server: $schema=./pipeline.schema.json",
    ],
  ],
  async run({ flags }, context) {
    const text = jsonText(pipelineSchema(context.registry));
    if (flags.out === undefined) context.write(text);
    else {
      await writeFileAtomic(flags.out, text).catch((error) => {
        throw fileNotWritten(flags.out!, error);
      });
      context.say(`wrote ${flags.out}`);
    }
    return EXIT.ok;
  },
});
