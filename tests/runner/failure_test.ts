/** Stages that fail and disks that refuse: what the user is told, and what is left behind. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { readRun } from "../../src/runner/run/runs.ts";
import { namesIn } from "../../src/runner/store/store.ts";
import { pipelineOf, runAndListen, text, textStage, wordStages } from "./fake_pipeline.ts";
import { inScratch } from "../scratch.ts";

Deno.test("stageFailed: an unexpected error names stage, step, log, the command that resumes, and keeps its cause", async () => {
  await inScratch(async (dir) => {
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
  await inScratch(async (dir) => {
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
  await inScratch(async (dir) => {
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

Deno.test("failOnStrays: an error that nobody waits for fails the stage, the run ends as usual", async () => {
  const strays: Record<string, () => unknown> = {
    rejection: () => Promise.reject(new Error("astray")),
    timer: () =>
      setTimeout(() => {
        throw new Error("astray");
      }, 1),
  };
  for (const [name, stray] of Object.entries(strays)) {
    await inScratch(async (dir) => {
      const stage = textStage(name, () => {
        stray();
        return new Promise((resolve) => setTimeout(() => resolve("late"), 50));
      });
      const { status, error, manifest } = await runAndListen(pipelineOf(dir, [{ stage }]));
      assertEquals([status, error!.code, manifest.status], ["failed", "STAGE_FAILED", "failed"]);
      assertStringIncludes(error!.message, "astray");
      await assertNothingStored(dir);
      await new Promise((resolve) => setTimeout(resolve, 60));
    });
  }
});

Deno.test("failOnStrays: a stage that waits for nothing is told so, in a process that would just end", async () => {
  await inScratch(async (dir) => {
    const { code, stdout } = await runScript(
      dir,
      `const stage = textStage("waits", () => new Promise(() => {}));
      runAndListen(pipelineOf(Deno.args[0], [{ stage }]))
        .then(({ error, manifest }) => console.log(error.code, manifest.status));`,
      ["--allow-read", "--allow-write", "--allow-sys", "--allow-env"],
    );
    assertEquals([code, stdout], [0, "STUCK failed\n"]);
  });
});

Deno.test("badRunsDir: a runs directory below a file is refused with its path", async () => {
  await inScratch(async (dir) => {
    await Deno.writeTextFile(join(dir, "file"), "");
    const pipeline = pipelineOf(dir, [{ stage: wordStages().word }], {
      runsDir: join(dir, "file", "runs"),
    });
    const error = await assertRejects(() => runAndListen(pipeline), OddsmithError);
    assertEquals([error.code, error.location!.file], ["BAD_RUNS_DIR", pipeline.runsDir]);
  });
});

Deno.test("linkInOutput: a symbolic link in an output is refused and nothing is stored", async () => {
  await inScratch(async (dir) => {
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
  await inScratch(async (dir) => {
    const stage = textStage("secret", () => {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13): open '/secret'");
    });
    const { error } = await runAndListen(pipelineOf(dir, [{ stage }]));
    assertEquals(error!.code, "ACCESS_DENIED");
    assertStringIncludes(error!.message, "/secret");
  });
});

Deno.test("refusedByDisk: a permission Deno was not given is named before anything is made", async () => {
  await inScratch(async (dir) => {
    const { stdout } = await runScript(
      dir,
      `const stages = [{ stage: wordStages().word }];
      try {
        await runAndListen(pipelineOf(Deno.args[0], stages));
      } catch (error) {
        console.log(error.code, error.hint);
      }`,
      ["--allow-read"],
    );
    assertEquals(
      stdout,
      "MISSING_PERMISSION give Deno that permission (`deno run -A` gives all)\n",
    );
  });
});

Deno.test("refusedByDisk: a write the disk has no room for leaves nothing half written", async () => {
  await inScratch(async (dir) => {
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
  await inScratch(async (dir) => {
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

/** Runs a script that knows the test pipelines in a process with those permissions. */
async function runScript(
  dir: string,
  body: string,
  permissions: readonly string[],
): Promise<{ code: number; stdout: string }> {
  const script = join(dir, "run.ts");
  const from = new URL("fake_pipeline.ts", import.meta.url);
  const names = "pipelineOf, runAndListen, textStage, wordStages";
  await Deno.writeTextFile(script, `import { ${names} } from "${from}";\n${body}`);
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const args = ["run", "--no-prompt", "--no-check", ...permissions, "--config", config];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args, script, dir],
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

async function assertNothingStored(dir: string): Promise<void> {
  const store = join(dir, "runs", ".store");
  for (const name of ["artifacts", "keys", "tmp"]) {
    assertEquals(await namesIn(join(store, name)), [], name);
  }
}
