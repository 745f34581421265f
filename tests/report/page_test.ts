import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DOMParser } from "linkedom";
import type { ReportInput } from "../../src/report/input.ts";
import { renderReport } from "../../src/report/page.ts";
import { sampleInput, writeSampleRun } from "./sample_run.ts";

async function withSample(check: (input: ReportInput) => void | Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await writeSampleRun(dir);
    await check(await sampleInput(dir));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const parse = (page: string) => new DOMParser().parseFromString(page, "text/html");

Deno.test("renderReport: every section is there, headed, and linked from the contents", async () => {
  await withSample((input) => {
    const document = parse(renderReport(input));
    const ids = [...document.querySelectorAll("main section")].map((section) => section.id);
    assertEquals(ids, [
      "result",
      "generations",
      "training",
      "held-out",
      "data",
      "configuration",
      "provenance",
    ]);
    const links = [...document.querySelectorAll("nav a")].map((a) => a.getAttribute("href"));
    assertEquals(links, ids.map((id) => `#${id}`));
    for (const id of ids) {
      const title = document.querySelector(`#${id}`)!.getAttribute("aria-labelledby")!;
      assertEquals(document.querySelector(`#${title}`)!.tagName, "H2");
    }
    assertEquals(document.querySelectorAll("h1").length, 1);
  });
});

Deno.test("renderReport: asks nothing of the network and runs nothing", async () => {
  await withSample((input) => {
    const page = renderReport(input);
    assert(!/https?:|\/\/[a-z]|url\(|@import/i.test(page), "an address in the page");
    const document = parse(page);
    assertEquals(document.querySelectorAll("script, link, img, iframe, object, embed").length, 0);
    assertEquals(document.querySelectorAll("[src], [onclick], [onload], [style]").length, 0);
    for (const a of document.querySelectorAll("a")) {
      assert(a.getAttribute("href")!.startsWith("#"), a.outerHTML);
    }
  });
});

Deno.test("renderReport: a profiled training has a table of its kernels", async () => {
  await withSample((input) => {
    const op = { label: "rms norm's <gradient>", count: 1234, totalMs: 81.5, share: 0.815 };
    const profile = {
      method: "submit-and-wait",
      firstStep: 3,
      steps: 3,
      wallMs: 200,
      kernelMs: 100,
      untimed: 0,
      ops: [op],
    };
    const { series, summary } = input.training!;
    const training = { series, summary: { ...summary, profile } };
    const section = parse(renderReport({ ...input, training })).querySelector("#kernels")!;
    const text = section.textContent!.replace(/\s+/g, " ");
    assertStringIncludes(text, "Steps 3 to 5: 100 ms in kernels of 200 ms, 50%.");
    assertStringIncludes(text, "each kernel was handed over alone and waited for");
    const cells = [...section.querySelectorAll("tbody tr > *")].map((cell) => cell.textContent);
    assertEquals(cells, [op.label, "1,234", "81.50", "81.5%"]);
  });
});

Deno.test("renderReport: draws a chart for every metric the design names", async () => {
  await withSample((input) => {
    const document = parse(renderReport(input));
    const titles = [...document.querySelectorAll("#training figcaption strong")]
      .map((title) => title.textContent);
    for (
      const title of [
        "Loss",
        "NLL",
        "Log-probabilities",
        "Log odds",
        "Margin",
        "Accuracy",
        "Delta",
        "Learning rate",
        "Gradient norm",
      ]
    ) assert(titles.includes(title), title);
    const charts = [...document.querySelectorAll("figure svg")];
    assertEquals(charts.length, titles.length + 2);
    for (const svg of charts) {
      assertEquals(svg.getAttribute("role"), "img");
      assert((svg.getAttribute("aria-label") ?? "").length > 20);
      assert(svg.querySelectorAll("path, circle, rect").length > 0);
    }
  });
});

Deno.test("renderReport: tables have captions and header cells", async () => {
  await withSample((input) => {
    const tables = [...parse(renderReport(input)).querySelectorAll("table")];
    assert(tables.length >= 6);
    for (const table of tables) {
      assert(table.querySelector("caption")?.textContent?.trim(), table.outerHTML.slice(0, 200));
      assert(table.querySelector("th[scope]"));
    }
  });
});

Deno.test("renderReport: text of data, models and options cannot become markup", async () => {
  const hostile = `</script></style><img src=x onerror=alert(1)>"'&<b>`;
  await withSample((input) => {
    const page = renderReport({
      ...input,
      title: hostile,
      run: { ...input.run, id: hostile, command: hostile },
      stages: [{
        id: hostile,
        uses: hostile,
        version: hostile,
        options: { [hostile]: hostile, deep: [{ [hostile]: [hostile] }] },
        facts: { dropped: { [hostile]: 3 }, device: hostile },
      }],
      artifacts: [{ ref: hostile, digest: hostile }],
      versions: { [hostile]: hostile, oddsmith: hostile },
      evaluation: {
        ...input.evaluation!,
        generations: [
          { prompt: hostile, before: hostile, after: hostile, chosen: hostile, rejected: hostile },
        ],
        pairs: {
          ...input.evaluation!.pairs,
          worst: [{
            ...input.evaluation!.pairs.worst[0]!,
            source: hostile,
            prompt: hostile,
            chosen: hostile,
            rejected: hostile,
          }],
        },
      },
    });
    const document = parse(page);
    assertEquals(document.querySelectorAll("script, img, b, [onerror]").length, 0);
    assert(!page.includes("<img") && !page.includes("</script"));
    assertEquals(document.querySelector("h1")!.textContent!.trim(), hostile);
    assertEquals(document.querySelector(".written.after p")!.textContent, hostile);
    assertEquals(document.querySelectorAll("style").length, 1);
  });
});

Deno.test("renderReport: shows what a model wrote to the letter, control characters made visible", async () => {
  await withSample((input) => {
    const document = parse(renderReport(input));
    const written = [...document.querySelectorAll(".generation .written p")]
      .map((p) => p.textContent);
    assert(written.includes("Gladly! The capital of Peru is Lima."));
    assert(written.includes("\ufffdd\ufffd<\u2407\ufffd\ufffdE.a1\ufffdbb\ufffd"));
    assert(written.includes("(nothing)"));
  });
});

Deno.test("renderReport: a run without training, evaluation and data still has its page", async () => {
  await withSample((input) => {
    const page = renderReport({
      ...input,
      training: undefined,
      evaluation: undefined,
      data: undefined,
      stages: [],
    });
    const ids = [...parse(page).querySelectorAll("main section")].map((section) => section.id);
    assertEquals(ids, ["configuration", "provenance"]);
    assertStringIncludes(page, "neither trained nor evaluated");
  });
});

Deno.test("renderReport: an evaluation without a model before shows one column", async () => {
  await withSample((input) => {
    const { evaluation } = input;
    const { before: _before, change: _change, ...summary } = evaluation!.summary;
    const page = renderReport({
      ...input,
      evaluation: {
        summary,
        generations: [{ prompt: "Hello!", after: "Hello! How can I help you?" }],
        pairs: {
          ...evaluation!.pairs,
          before: [],
          worst: evaluation!.pairs.worst.map(({ before: _, ...pair }) => pair),
          best: evaluation!.pairs.best.map(({ before: _, ...pair }) => pair),
        },
      },
    });
    const document = parse(page);
    assertEquals(document.querySelectorAll(".was, .written.before").length, 0);
    const head = [...document.querySelectorAll("#held-out table.figures thead th")]
      .map((th) => th.textContent!.trim());
    assertEquals(head, ["Metric", "Value"]);
  });
});

/** WCAG 2 relative luminance of "#rrggbb". */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

Deno.test("page.css: every ink is legible on paper and panels, light and dark (WCAG AA)", async () => {
  const css = await Deno.readTextFile(new URL("../../src/report/page.css", import.meta.url));
  const [light, dark] = [...css.matchAll(/:root {([^}]*)}/g)].map(([, body]) =>
    new Map([...body!.matchAll(/--([a-z]+): (#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]))
  );
  for (const theme of [light!, dark!]) {
    for (const [name, colour] of theme) {
      if (["paper", "panel", "rule"].includes(name)) continue;
      for (const ground of ["paper", "panel"]) {
        const [a, b] = [luminance(colour), luminance(theme.get(ground)!)].sort((x, y) => y - x);
        assert((a! + 0.05) / (b! + 0.05) >= 4.5, `${name} ${colour} on ${ground}`);
      }
    }
  }
});
