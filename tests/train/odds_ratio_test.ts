import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ODDS_FLOOR, oddsRatio } from "../../src/train/odds_ratio.ts";

Deno.test("oddsRatio: the paper's golden vector Pw .4, Pl .2", () => {
  const odds = oddsRatio(Math.log(0.4), Math.log(0.2));
  assertAlmostEquals(odds.loss, 0.318454, 1e-6);
  assertAlmostEquals(odds.gradChosen, -0.454545, 1e-6);
  assertAlmostEquals(odds.gradRejected, 0.340909, 1e-6);
  assertAlmostEquals(odds.logOdds, Math.log((0.4 / 0.6) / (0.2 / 0.8)), 1e-12);
  assertAlmostEquals(odds.delta, 1 / (1 + (0.4 / 0.6) / (0.2 / 0.8)), 1e-12);
});

Deno.test("oddsRatio: equals -log sigmoid z computed plainly where nothing cancels", () => {
  for (const a of [-0.1, -0.7, -2, -9]) {
    for (const b of [-0.2, -0.7, -3, -8]) {
      const odds = (x: number) => Math.exp(x) / (1 - Math.exp(x));
      const z = Math.log(odds(a)) - Math.log(odds(b));
      assertAlmostEquals(oddsRatio(a, b).loss, Math.log(1 + Math.exp(-z)), 1e-10);
      assertAlmostEquals(oddsRatio(a, b).logOdds, z, 1e-10);
    }
  }
});

Deno.test("oddsRatio: derivatives equal finite differences", () => {
  for (const [a, b] of [[-0.3, -0.9], [-5, -0.01], [-0.01, -5], [-1e-3, -1e-3], [-12, -14]]) {
    const { gradChosen, gradRejected } = oddsRatio(a!, b!);
    const h = 1e-4 * Math.min(-a!, -b!, 1);
    const slope = (da: number, db: number) =>
      (oddsRatio(a! + da, b! + db).loss - oddsRatio(a! - da, b! - db).loss) / (2 * h);
    assertAlmostEquals(slope(h, 0) / gradChosen, 1, 1e-6);
    assertAlmostEquals(slope(0, h) / gradRejected, 1, 1e-6);
  }
});

Deno.test("oddsRatio: finite at 0, at -1e-8 and far away, and monotone in both", () => {
  const points = [0, -1e-12, -1e-8, -1e-4, -0.5, -3, -80, -1e4];
  for (const a of points) {
    for (const b of points) {
      for (const value of Object.values(oddsRatio(a, b))) {
        assert(Number.isFinite(value), `${a} ${b}`);
      }
      assert(oddsRatio(a, b).gradChosen <= 0);
      assert(oddsRatio(a, b).gradRejected >= 0);
    }
  }
  assertAlmostEquals(oddsRatio(-1, -1e-8).loss, Math.log((Math.E - 1) / 1e-8), 1e-6);
  assertAlmostEquals(oddsRatio(-1e-8, -1e-8).loss, Math.LN2, 1e-12);
  assertEquals(oddsRatio(0, -1).loss, 0);
  assert(oddsRatio(-1, 0).gradRejected <= 1 / ODDS_FLOOR);
});
