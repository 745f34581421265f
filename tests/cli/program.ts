/** Runs the command line as its users do: as a process, in a folder of its own. */

import { fromFileUrl, join } from "@std/path";
import { main } from "../../src/cli/main.ts";

const MOD = fromFileUrl(new URL("../../mod.ts", import.meta.url));

/** The folder of the fixture pipelines. */
export const FIXTURES: string = fromFileUrl(new URL("../fixtures/cli", import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary working directory with runs of its own. */
export class Workplace implements AsyncDisposable {
  /** Absolute. */
  readonly dir: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(dir: string, env: Readonly<Record<string, string>> = {}) {
    this.dir = dir;
    this.#env = env;
  }

  /** Makes an empty one. */
  static async make(): Promise<Workplace> {
    return new Workplace(await Deno.realPath(await Deno.makeTempDir({ prefix: "cli-" })));
  }

  /** The same place, with more environment variables. */
  withEnv(env: Readonly<Record<string, string>>): Workplace {
    return new Workplace(this.dir, env);
  }

  /** Runs a command line to its end. */
  async run(...words: string[]): Promise<Ended> {
    return await this.program(MOD, ...words);
  }

  /** Runs a command line to its end, with a text on its stdin. */
  async runWithInput(input: string, ...words: string[]): Promise<Ended> {
    const child = this.command(MOD, words, "piped").spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    return ended(await child.output());
  }

  /** Runs another module as a program to its end. */
  async program(module: string, ...words: string[]): Promise<Ended> {
    return ended(await this.command(module, words).output());
  }

  /** Starts a command line. */
  start(...words: string[]): Deno.ChildProcess {
    return this.command(MOD, words).spawn();
  }

  /** Starts a command line that is talked to. */
  startPiped(...words: string[]): Deno.ChildProcess {
    return this.command(MOD, words, "piped").spawn();
  }

  /** Ids of the runs made here, the oldest first. */
  async runIds(): Promise<string[]> {
    const runs: { id: string }[] = JSON.parse((await this.run("ls", "--json")).stdout);
    return runs.map(({ id }) => id).reverse();
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  private command(
    module: string,
    words: readonly string[],
    stdin: "null" | "piped" = "null",
  ): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", module, ...words],
      cwd: this.dir,
      env: { NO_COLOR: "1", ...this.#env },
      stdin,
      stdout: "piped",
      stderr: "piped",
    });
  }
}

function ended({ code, stdout, stderr }: Deno.CommandOutput): Ended {
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a command line inside this process, in its working directory. */
export async function runHere(...words: string[]): Promise<Ended> {
  const texts = { stdout: "", stderr: "" };
  const decoder = new TextDecoder();
  const stream = (name: keyof typeof texts) => ({
    writeSync(bytes: Uint8Array): number {
      texts[name] += decoder.decode(bytes);
      return bytes.length;
    },
  });
  const stdin = { readable: new Response("").body!, isTerminal: () => false };
  const streams = { stdin, stdout: stream("stdout"), stderr: stream("stderr") };
  const code = await main(words, undefined, streams);
  return { code, ...texts };
}

/** The path of a fixture. */
export function fixture(name: string): string {
  return join(FIXTURES, name);
}
