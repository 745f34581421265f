/** Stages that fail and disks that refuse: what the user is told, and what is left behind. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { readRun } from "../../src/runner/run/runs.ts";
import { namesIn } from "../../src/runner/store/store.ts";
import {
  inTempDir,
  pipelineOf,
  runAndListen,
  text,
  textStage,
  wordStages,
} from "./fake_pipeline.ts";

Deno.test("stageFailed: an unexpected error names stage, step, log, the command that resumes, and keeps its cause", async () => {
  await inTempDir(async (dir) => {
    const cause = new RangeError("no such row");
    const stage = textStage("train", () => {
      throw cause;
    });
    const pipeline = pipelineOf(dir, [{ stage: wordStages().word }, { stage }], {
      overrides: { "stages.train.with.note": "it's", seed: 7, device: "cpu" },
    });
    const run = await runAndListen(pipeline);
    assertEquals([run.status, run.exitCode], ["failed", 1]);
    const { error } = run;
    assertEquals([error!.kind, error!.code], ["StageError", "STAGE_FAILED"]);
    assertEquals(error!.cause, cause);
    assertStringIncludes(error!.message, `Cannot finish stage "train": no such row`);
    assertStringIncludes(error!.hint!, "failed while running");
    const note = `--set 'stages.train.with.note="it'\\''s"'`;
    const rest = `${note} --set seed=7 --set device=cpu`;
    const command = `oddsmith run ${join(dir, "test.yaml")} ${rest}`;
    assertStringIncludes(error!.hint!, `\`${command}\` goes on from there`);
    const { manifest } = await readRun("latest", join(dir, "runs"));
    assertEquals(manifest.stages.map((s) => s.status), ["done", "failed"]);
    assertEquals([manifest.stages[1]!.error, manifest.error], [error!.format(), error!.format()]);
    const log = await Deno.readTextFile(join(run.runDir, "stages", "train", "log.txt"));
    assertStringIncludes(log, "RangeError: no such row\n    at ");
    assertEquals(run.events.slice(-2).map((e) => e.type), ["stage-failed", "run-end"]);
  });
});

Deno.test("stageFailed: an OddsmithError keeps class, code, message, place and hint", async () => {
  await inTempDir(async (dir) => {
    const stage = textStage("ingest", () => {
      throw new OddsmithError("DataError", "BAD_ROW", "Cannot read a pair: no answer", {
        location: { file: "pairs.jsonl", row: 7 },
        hint: "fill it in",
      });
    });
    const { error } = await runAndListen(pipelineOf(dir, [{ stage }]));
    assertEquals([error!.kind, error!.code], ["DataError", "BAD_ROW"]);
    assertEquals(error!.message, "Cannot read a pair: no answer");
    assertEquals(error!.location, { file: "pairs.jsonl", row: 7 });
    assert(error!.hint!.startsWith(`fill it in; stage "ingest" failed while running; `));
  });
});

Deno.test("outputsMissing: forgotten outputs are listed beside what was returned", async () => {
  await inTempDir(async (dir) => {
    const stage = textStage("split", () => "", {
      outputs: { train: text, eval: text, log: text },
      run: () => Promise.resolve({ train: "a", evla: "b", log: undefined }),
    });
    const { error } = await runAndListen(pipelineOf(dir, [{ stage }]));
    assertEquals(error!.code, "OUTPUT_MISSING");
    assertStringIncludes(error!.message, `run returned no "eval", "log"`);
    assertStringIncludes(error!.hint!, `it returned "train", "evla", "log"`);
    const nothing = textStage("none", () => "", {
      run: () => Promise.resolve(undefined as unknown as Record<string, never>),
    });
    const second = await runAndListen(pipelineOf(dir, [{ stage: nothing }]));
    assertEquals(second.error!.code, "OUTPUT_MISSING");
  });
});

Deno.test("linkInOutput: a symbolic link in an output is refused and nothing is stored", async () => {
  await inTempDir(async (dir) => {
    const linked = {
      ...text,
      write: (_: string, at: string) => Deno.symlink("/etc", join(at, "x")),
    };
    const stage = textStage("linker", () => "", { outputs: { text: linked } });
    const { error } = await runAndListen(pipelineOf(dir, [{ stage }]));
    assertEquals(error!.code, "OUTPUT_LINK");
    assertStringIncludes(error!.hint!, `failed while writing output "text"`);
    await assertNothingStored(dir);
  });
});

Deno.test("refusedByDisk: a refused permission of the system has its code", async () => {
  await inTempDir(async (dir) => {
    const stage = textStage("secret", () => {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13): open '/secret'");
    });
    const { error } = await runAndListen(pipelineOf(dir, [{ stage }]));
    assertEquals(error!.code, "ACCESS_DENIED");
    assertStringIncludes(error!.message, "/secret");
  });
});

Deno.test("refusedByDisk: a permission Deno was not given is named before anything is made", async () => {
  await inTempDir(async (dir) => {
    const script = join(dir, "run.ts");
    const from = new URL("fake_pipeline.ts", import.meta.url);
    await Deno.writeTextFile(
      script,
      `import { pipelineOf, runAndListen, wordStages } from "${from}";
      const stages = [{ stage: wordStages().word }];
      try {
        await runAndListen(pipelineOf(Deno.args[0], stages));
      } catch (error) {
        console.log(error.code, error.hint);
      }`,
    );
    const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
    const args = [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-read",
      "--config",
      config,
      script,
      dir,
    ];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals(
      new TextDecoder().decode(stdout),
      "MISSING_PERMISSION give Deno that permission (`deno run -A` gives all)\n",
    );
  });
});

Deno.test("refusedByDisk: a write the disk has no room for leaves nothing half written", async () => {
  await inTempDir(async (dir) => {
    const full = {
      ...text,
      write: async (value: string, at: string) => {
        await text.write(value, at);
        throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
      },
    };
    const stage = textStage("big", () => "half", { outputs: { first: text, text: full } });
    stage.run = () => Promise.resolve({ first: "whole", text: "half" });
    const { error } = await runAndListen(pipelineOf(dir, [{ stage }]));
    assertEquals(error!.code, "DISK_FULL");
    assertEquals(error!.location!.file, join(dir, "runs", ".store"));
    await assertNothingStored(dir);
  });
});

Deno.test("refusedByDisk: a disk that is really full is said to be, and a run after cleaning up succeeds", async () => {
  await inTempDir(async (dir) => {
    const disk = join(dir, "disk");
    await Deno.mkdir(disk);
    const mount = await command("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", disk]);
    if (!mount) return console.log("skipped: a small file system can only be mounted by root");
    try {
      const big = textStage("big", () => "x".repeat(600_000));
      const { word } = wordStages();
      const pipeline = pipelineOf(disk, [{ stage: word }, { stage: big }]);
      const { status, error } = await runAndListen(pipeline);
      assertEquals([status, error?.code], ["failed", "DISK_FULL"]);
      assertStringIncludes(error!.message, `writing output "text" in stage "big"`);
      assertEquals(await namesIn(join(disk, "runs", ".store", "tmp")), []);
      assertEquals((await namesIn(join(disk, "runs", ".store", "artifacts"))).length, 1);
      await command("mount", ["-o", "remount,size=4m", disk]);
      const again = await runAndListen(pipeline);
      assertEquals(again.manifest.stages.map((s) => s.status), ["reused", "done"]);
    } finally {
      await command("umount", [disk]);
    }
  });
});

async function command(name: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(name, { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

async function assertNothingStored(dir: string): Promise<void> {
  const store = join(dir, "runs", ".store");
  for (const name of ["artifacts", "keys", "tmp"]) {
    assertEquals(await namesIn(join(store, name)), [], name);
  }
}
