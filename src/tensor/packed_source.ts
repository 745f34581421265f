/**
 * Generates the WGSL by which a program reads values of a matrix that is bound as a buffer, in any
 * format of packed_format.ts: a binding `NAME`, and `NAME_at(i)` with the values from i on.
 */

import {
  BLOCK_LAYOUTS,
  type MatrixFormat,
  NF4_CODE_BOOK,
  QUANTIZED_BLOCK,
} from "./packed_format.ts";
import type { VectorWidth } from "./lanes.ts";

/**
 * @param width Values that `NAME_at` gives, as f32 or vec4<f32>; with 4, i must be a multiple of 4.
 */
export function readerSource(
  name: string,
  binding: number,
  format: MatrixFormat,
  width: VectorWidth,
): string {
  const { element, code } = READERS[format][width](name);
  const type = width === 4 ? "vec4<f32>" : "f32";
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${element}>;
${format === "nf4" ? codeBookSource(name, width) : ""}
fn ${name}_at(i: u32) -> ${type} {
  ${code}
}`;
}

interface Reader {
  readonly element: string;
  readonly code: string;
}

const READERS: Readonly<Record<MatrixFormat, Record<VectorWidth, (name: string) => Reader>>> = {
  f32: {
    1: (x) => ({ element: "f32", code: `return ${x}[i];` }),
    4: (x) => ({ element: "vec4<f32>", code: `return ${x}[i / 4];` }),
  },
  f16: {
    1: (x) => ({ element: "u32", code: `return unpack2x16float(${x}[i / 2])[i % 2];` }),
    4: (x) => ({
      element: "vec2<u32>",
      code: `let v = ${x}[i / 4];
  return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y));`,
    }),
  },
  int8: {
    1: (x) => ({
      element: "u32",
      code: `${blockLines(x, "int8")}
  return f32(extractBits(bitcast<i32>(word), i % 4 * 8, 8u)) * scale;`,
    }),
    // Shifted up and down again, so that the sign goes with each byte.
    4: (x) => ({
      element: "u32",
      code: `${blockLines(x, "int8")}
  let bytes = bitcast<vec4<i32>>(vec4<u32>(word) << vec4<u32>(24, 16, 8, 0)) >> vec4<u32>(24);
  return vec4<f32>(bytes) * scale;`,
    }),
  },
  nf4: {
    1: (x) => ({
      element: "u32",
      code: `${blockLines(x, "nf4")}
  return ${x}_code(word >> (i % 8 * 4)) * scale;`,
    }),
    4: (x) => ({
      element: "u32",
      code: `${blockLines(x, "nf4")}
  return ${x}_code(vec4<u32>(word >> (i % 8 * 4)) >> vec4<u32>(0, 4, 8, 12)) * scale;`,
    }),
  },
};

/** `word` with the packed value i, and the `scale` of its block. */
function blockLines(name: string, format: "int8" | "nf4"): string {
  const { words } = BLOCK_LAYOUTS[format];
  const perWord = QUANTIZED_BLOCK / (words - 1);
  return `let block = i / ${QUANTIZED_BLOCK} * ${words};
  let word = ${name}[block + 1 + i % ${QUANTIZED_BLOCK} / ${perWord}];
  let scale = bitcast<f32>(${name}[block]);`;
}

/**
 * `NAME_code`: the code book at the lowest four bits, by choosing between halves of it bit by bit.
 * A table in memory would be read lane by lane.
 */
function codeBookSource(name: string, width: VectorWidth): string {
  const [codes, type] = width === 4 ? ["vec4<u32>", "vec4<f32>"] : ["u32", "f32"];
  let choices = NF4_CODE_BOOK.map((value) => `${type}(${value})`);
  for (let bit = 0; bit < 4; bit++) {
    choices = choices.filter((_, i) => i % 2 === 0)
      .map((choice, i) => `select(${choice}, ${choices[2 * i + 1]}, bit${bit})`);
  }
  const bits = [0, 1, 2, 3].map((bit) =>
    `let bit${bit} = (codes & ${codes}(${1 << bit})) != ${codes}();`
  );
  return `fn ${name}_code(codes: ${codes}) -> ${type} {
  ${bits.join("\n  ")}
  return ${choices[0]};
}`;
}
