import { describe, expect, it } from "vitest";
import { recipeSchema } from "../../../shared/recipe/recipe.ts";
import { bertTokenizerFile, byteLevelTokenizerFile, unigramTokenizerFile } from "../text/testing-tokenizers.ts";
import { textPage } from "../text/testing.ts";
import { answeraiColbertSmall } from "./answerai-colbert-small-v1.ts";
import { colbertv2 } from "./colbertv2.ts";
import type { ColbertFacts } from "./facts.ts";
import { gteModernColbert } from "./gte-moderncolbert-v1.ts";
import { colbertEntries } from "./index.ts";
import { jinaColbertV2 } from "./jina-colbert-v2.ts";
import { modernBertTokens } from "./modernbert-tokens.ts";
import { mxbaiEdgeColbert32m } from "./mxbai-edge-colbert-32m.ts";
import { preparePage } from "./prepare-page.ts";
import { prepareQuery } from "./prepare-query.ts";
import { readVocabulary } from "./vocabulary.ts";

/** Golden values: every one is from the public source named beside it, none from our own output. */

const ones = (count: number) => Array.from({ length: count }, () => 1);
const zeros = (count: number) => Array.from({ length: count }, () => 0);
const masks = (facts: ColbertFacts, count: number) => Array.from({ length: count }, () => facts.tokens.mask.id);

/** Ids of a page's only window, and which of them are kept. */
function window(text: string, facts: ColbertFacts, file: Uint8Array) {
  const { windows } = preparePage(textPage(text), facts, readVocabulary(facts, file));
  expect(windows).toHaveLength(1);
  const ids = windows[0]?.ids ?? [];
  return { ids, kept: windows[0]?.kept.map((position) => ids[position]) };
}

describe("colbertEntries", () => {
  it("have valid recipes of different names, and name the files they need", () => {
    expect(colbertEntries.map(({ recipe }) => recipeSchema.parse(recipe).name)).toEqual([
      "colbertv2",
      "answerai-colbert-small-v1",
      "jina-colbert-v2",
      "gte-moderncolbert-v1",
      "mxbai-edge-colbert-32m",
    ]);
    expect(colbertEntries.map(({ card }) => card.files)).toEqual([
      ["model.onnx", "tokenizer.json"],
      ["vespa_colbert.onnx", "tokenizer.json"],
      ["onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json"],
      ["model.onnx", "tokenizer.json"],
      ["model.onnx", "tokenizer.json"],
    ]);
  });

  it("say everything that changes a vector in the recipe", () => {
    // artifact.metadata, config_sentence_transformers.json, onnx_config.json: see the files of the recipes.
    const facts = colbertEntries.map(({ recipe: { dim, windowTokens, dropped, extra } }) =>
      [dim, windowTokens, extra["queryLength"], extra["queryExpansion"], extra["lowerCase"], dropped].join(" "),
    );
    expect(facts).toEqual([
      "128 180 32 unattended false string.punctuation by first-piece",
      "96 300 32 unattended false string.punctuation by token",
      "128 300 32 attended false string.punctuation by first-piece",
      "128 300 48 none false string.punctuation by token",
      "64 512 48 none true string.punctuation by token",
    ]);
  });
});

describe.each([colbertv2, answeraiColbertSmall])("$recipe.name", ({ facts }) => {
  // What Stanford's QueryTokenizer prints for colbertv2.0: "#> Output IDs" and "#> Output Mask" in LangChain's RAGatouille page
  // (docs/integrations/retrievers/ragatouille) and in a public log of the same code over a Red Hat corpus.
  it.each([
    ["What animation studio did Miyazaki found?", [2054, 7284, 2996, 2106, 2771, 3148, 18637, 2179, 1029]],
    ["tell me about small models and Neural Magic", [2425, 2033, 2055, 2235, 4275, 1998, 15756, 3894]],
  ])("takes the question %j as Stanford's code does", async (question, words) => {
    const query = prepareQuery(question, facts, readVocabulary(facts, await bertTokenizerFile()));
    expect(query.ids).toEqual([101, 1, ...words, 102, ...masks(facts, 32 - words.length - 3)]);
    expect(query.attention).toEqual([...ones(words.length + 3), ...zeros(32 - words.length - 3)]);
    expect(query.tokens).toHaveLength(32);
  });

  it("keeps [CLS], marker, words and [SEP] of a page", async () => {
    // fastembed (tests/test_late_interaction_embeddings.py) has 5 vectors for "Hello World" as a document of either model.
    const hello = [101, 2, 7592, 2088, 102];
    expect(window("Hello World", facts, await bertTokenizerFile())).toEqual({ ids: hello, kept: hello });
  });

  it("leaves out punctuation", async () => {
    // sentence-transformers (tests/multi_vector_encoder/test_model.py): as many vectors as "the cat sat on the mat".
    const { ids, kept } = window("the cat, sat, on, the, mat.", facts, await bertTokenizerFile());
    expect(ids).toHaveLength(3 + 6 + 5);
    expect(kept).toEqual([101, 2, 1996, 4937, 2938, 2006, 1996, 13523, 102]);
  });

  it("cuts a question at 32 tokens, [SEP] last", async () => {
    // PyLate and Stanford: tokenised to 31 with [SEP] kept, the marker inserted after [CLS].
    const query = prepareQuery("word ".repeat(40), facts, readVocabulary(facts, await bertTokenizerFile()));
    expect(query.ids).toEqual([101, 1, ...Array.from({ length: 29 }, () => 2773), 102]);
    expect(query.attention).toEqual(ones(32));
  });
});

describe("jina-colbert-v2", () => {
  const { facts } = jinaColbertV2;
  // fairseq (examples/xlmr/README.md): encode("Hello world!") is [0, 35378, 8999, 38, 2], encode("你好，世界") is
  // [0, 6, 124084, 4, 3221, 2].
  const file = unigramTokenizerFile(facts.tokens, {
    ",": 4,
    "▁": 6,
    "!": 38,
    世界: 3221,
    "▁world": 8999,
    "▁Hello": 35_378,
    你好: 124_084,
  });
  const vocabulary = readVocabulary(facts, file);

  it("fills a question up with masks that everything attends to", () => {
    const query = prepareQuery("Hello world!", facts, vocabulary);
    expect(query.ids).toEqual([0, 250_002, 35_378, 8999, 38, 2, ...masks(facts, 26)]);
    expect(query.attention).toEqual(ones(32));
  });

  it("skips the first piece of each punctuation mark, as Stanford's code does", () => {
    // colbert/modeling/colbert.py: raw_tokenizer.encode(symbol, add_special_tokens=False)[0]. In this reduced vocabulary, where no
    // mark has a piece with its own `▁`, that is always the bare `▁`.
    expect([...vocabulary.skiplist]).toEqual([6]);
    const ids = [0, 250_003, 6, 124_084, 4, 3221, 2];
    expect(window("你好，世界", facts, file)).toEqual({ ids, kept: [0, 250_003, 124_084, 4, 3221, 2] });
  });

  it("says which characters a piece stands for", () => {
    const question = "Hello 你好，世界";
    const { tokens } = prepareQuery(question, facts, vocabulary);
    const real = tokens.filter(({ end }) => end > 0).map(({ start, end }) => question.slice(start, end));
    expect(real).toEqual(["Hello", "你", "你好", "，", "世界"]);
  });
});

// A tokenizer of the same vocabulary and markers against PyLate (TestLateOnTokenizerMatchesPyLate in a public Go client of
// LateOn): "[Q] where is the function that parses HTTP请求?".
const probe = "where is the function that parses HTTP请求?";
const probeIds = [2811, 310, 253, 1159, 326, 13_328, 265, 17_607, 44_673, 43_741, 32];
const probeWords = {
  where: 2811,
  Ġis: 310,
  Ġthe: 253,
  Ġfunction: 1159,
  Ġthat: 326,
  Ġpars: 13_328,
  es: 265,
  ĠHTTP: 17_607,
  请: 44_673,
  求: 43_741,
  "?": 32,
};

describe("gte-moderncolbert-v1", () => {
  const { facts } = gteModernColbert;
  const file = byteLevelTokenizerFile(modernBertTokens, probeWords);

  it("takes a question as it is, without filling", () => {
    const query = prepareQuery(probe, facts, readVocabulary(facts, file));
    expect(query.ids).toEqual([50_281, 50_368, ...probeIds, 50_282]);
    expect(query.attention).toEqual(ones(14));
    expect(query.tokens.map(({ start, end }) => probe.slice(start, end))).toEqual([
      "",
      "",
      "where",
      "is",
      "the",
      "function",
      "that",
      "pars",
      "es",
      "HTTP",
      "请",
      "求",
      "?",
      "",
    ]);
  });

  it("takes a page's words as one text, less punctuation", () => {
    const { ids, kept } = window(probe, facts, file);
    expect(ids).toEqual([50_281, 50_369, ...probeIds, 50_282]);
    expect(kept).toEqual(ids.filter((id) => id !== 32));
  });

  it("keeps a mark that has a space before it: that is another token", () => {
    // PyLate looks up "?" itself (convert_tokens_to_ids), and " ?" is not that token.
    const spaced = byteLevelTokenizerFile(modernBertTokens, { ...probeWords, "Ġ?": 3736 });
    expect(window("where ?", facts, spaced).kept).toEqual([50_281, 50_369, 2811, 3736, 50_282]);
  });
});

describe("mxbai-edge-colbert-32m", () => {
  const { facts } = mxbaiEdgeColbert32m;

  it("lower-cases questions and pages", () => {
    const words = { ...probeWords, Ġhttp: 23_911 };
    const lower = byteLevelTokenizerFile(modernBertTokens, words);
    const query = prepareQuery("WHERE Is The HTTP?", facts, readVocabulary(facts, lower));
    expect(query.ids).toEqual([50_281, 50_368, 2811, 310, 253, 23_911, 32, 50_282]);
    expect(window("WHERE Is The HTTP?", facts, lower).ids).toEqual([
      50_281, 50_369, 2811, 310, 253, 23_911, 32, 50_282,
    ]);
  });

  it("cuts a question at 48 tokens and a page's windows at 512", () => {
    const file = byteLevelTokenizerFile(modernBertTokens, probeWords);
    const vocabulary = readVocabulary(facts, file);
    expect(prepareQuery("where ".repeat(100), facts, vocabulary).ids).toHaveLength(48);
    const { windows } = preparePage(textPage("is ".repeat(2000)), facts, vocabulary);
    expect(Math.max(...windows.map(({ ids }) => ids.length))).toBe(512);
  });
});
