/**
 * One answer, as text: generation, decoding and stop strings joined. Text is told as soon as it is
 * certain: whole characters, and no part of a stop string.
 */

import type { EndReason } from "../models/generation/continuation.ts";
import type { SamplingOptions } from "../models/generation/sample.ts";
import { DecodingSession } from "../models/generation/session.ts";
import { StopStrings } from "../text/stop_strings.ts";
import { TextStreamer } from "../text/text_streamer.ts";
import type { LoadedModel } from "./loaded_model.ts";

/** How an answer is to be. */
export interface AnswerOptions extends SamplingOptions {
  /** Tokens at most. */
  readonly maxNewTokens: number;
  /** Default 0. */
  readonly seed?: string | number;
  /** The answer ends before any of these; one that is a special token ends it as such. */
  readonly stop?: readonly string[];
  /** Aborts between tokens; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told text once it is certain. */
  readonly onText?: (text: string) => void;
  /**
   * Told every token before the text it makes certain.
   *
   * @param offset Where its text begins in the text without stop strings, in UTF-16 units; that of
   *   the first, where one character takes several tokens.
   * @param logits The row it was chosen from; valid during the call.
   */
  readonly onToken?: (id: number, offset: number, logits: Float32Array) => void;
}

/** An answer that is complete. */
export interface Answer {
  readonly text: string;
  /** Ids, with what ended it. */
  readonly ids: number[];
  readonly end: EndReason;
  readonly promptTokens: number;
  /** Tokens of the prompt that were on the device already. */
  readonly cachedTokens: number;
}

/**
 * Answers a prompt.
 *
 * @param session Keeps keys and values for an answer that goes on from this one. Default: one of
 *   its own, which is freed.
 * @throws {OddsmithError} As `DecodingSession.generate`; the signal's reason.
 */
export async function answer(
  loaded: LoadedModel,
  promptIds: readonly number[],
  options: AnswerOptions,
  session?: DecodingSession,
): Promise<Answer> {
  const { tokenizer, device } = loaded;
  const { special, strings } = sortStops(loaded, options.stop ?? []);
  const streamer = new TextStreamer(tokenizer, { promptIds });
  const stops = new StopStrings(strings);
  let decoded = 0;
  let text = "";
  const show = (piece: string) => {
    text += piece;
    if (piece !== "") options.onText?.(piece);
  };
  const take = (piece: string): boolean => {
    decoded += piece.length;
    const certain = stops.push(piece);
    show(certain.text);
    return certain.found;
  };
  using own = session ? undefined : new DecodingSession(loaded.model);
  const { ids, end, cachedTokens } = await explained(
    (session ?? own!).generate(promptIds, {
      ...options,
      eosTokenIds: tokenizer.eosTokenIds,
      onToken: (id, _, logits) => {
        options.onToken?.(id, decoded, logits);
        return take(streamer.push(id)) || special.includes(id);
      },
    }),
    device,
    options.signal,
  );
  device.checkFailed();
  const found = take(streamer.end());
  show(stops.end());
  const promptTokens = promptIds.length;
  return { text, ids, end: found ? "stop" : end, promptTokens, cachedTokens };
}

/** Where work fails because the device has, says what the device reported. */
async function explained<T>(
  work: Promise<T>,
  device: LoadedModel["device"],
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw signal?.aborted && error === signal.reason ? error : await device.explain(error);
  }
}

/** Special tokens are not part of the text, so as strings they would never be found in it. */
function sortStops({ tokenizer }: LoadedModel, stop: readonly string[]) {
  const special = stop.map((text) => tokenizer.tokenId(text))
    .filter((id) => id !== undefined && tokenizer.isSpecial(id));
  return { special, strings: stop };
}
