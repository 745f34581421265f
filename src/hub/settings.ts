/**
 * What the environment says of the hub, by the names and defaults of Hugging Face's own library.
 *
 * Invariant: the token is in `HubSettings` and in the Authorization header of requests to the
 * endpoint, and nowhere else: no message, log or file has it.
 */

import { join } from "@std/path";
import { badEndpoint, badToken } from "./errors.ts";

/** How the hub is reached, and where what it gives is kept. */
export interface HubSettings {
  /** Without a slash at the end, e.g. "https://huggingface.co". */
  readonly endpoint: string;
  /** The folder that holds a folder for each repository. */
  readonly cacheDir: string;
  /** Sent to the endpoint, and to no other host. */
  readonly token?: string | undefined;
  /** True: nothing is asked of the network. */
  readonly offline: boolean;
  /** False: files are moved to where a link would be. */
  readonly symlinks: boolean;
  /** How long a request may be silent. */
  readonly timeoutMs: number;
  /** How often something is tried before it is given up; a download that got on counts anew. */
  readonly attempts: number;
  /** The wait before the second attempt; doubled for each after it. */
  readonly retryDelayMs: number;
}

type Env = (name: string) => string | undefined;

/**
 * Reads HF_ENDPOINT, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HF_TOKEN (or the token file),
 * HF_HUB_OFFLINE, HF_HUB_DISABLE_SYMLINKS, HF_HUB_DOWNLOAD_TIMEOUT and the older names of these.
 *
 * @throws {OddsmithError} HubError BAD_ENDPOINT, BAD_TOKEN.
 */
export async function hubSettings(
  env: Env = (name) => Deno.env.get(name),
): Promise<HubSettings> {
  const cacheHome = env("XDG_CACHE_HOME") || join(userHome(env), ".cache");
  const hfHome = expand(env("HF_HOME") || join(cacheHome, "huggingface"), env);
  const cacheDir = env("HF_HUB_CACHE") || env("HUGGINGFACE_HUB_CACHE") || join(hfHome, "hub");
  const seconds = Number(env("HF_HUB_DOWNLOAD_TIMEOUT"));
  return {
    endpoint: checkedEndpoint(env("HF_ENDPOINT") || "https://huggingface.co"),
    cacheDir: expand(cacheDir, env),
    token: await findToken(hfHome, env),
    offline: isTrue(env("HF_HUB_OFFLINE") || env("TRANSFORMERS_OFFLINE")),
    symlinks: !isTrue(env("HF_HUB_DISABLE_SYMLINKS")),
    timeoutMs: 1000 * (seconds > 0 ? seconds : 10),
    attempts: 5,
    retryDelayMs: 500,
  };
}

function checkedEndpoint(written: string): string {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.username !== "") {
    throw badEndpoint(written);
  }
  return url.href.replace(/\/+$/, "");
}

async function findToken(hfHome: string, env: Env): Promise<string | undefined> {
  if (isTrue(env("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return undefined;
  const given = env("HF_TOKEN") || env("HUGGING_FACE_HUB_TOKEN");
  const file = expand(env("HF_TOKEN_PATH") || join(hfHome, "token"), env);
  const token = (given ?? await Deno.readTextFile(file).catch(() => "")).trim();
  if (token === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) throw badToken(given ? "HF_TOKEN" : file);
  return token;
}

function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? "");
}

function userHome(env: Env): string {
  return env("HOME") || env("USERPROFILE") || ".";
}

/** Writes out `~` and `$NAME`, as shells do where a variable was set without one. */
function expand(path: string, env: Env): string {
  return path
    .replace(/^~(?=$|[/\\])/, () => userHome(env))
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => env(braced ?? bare) ?? whole);
}
