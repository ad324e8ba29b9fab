/**
 * `maxleaf search`: the engine and the encoder in this process, on the same bucket that the edge reads.
 *
 * @module
 */
import { type Command, Option } from "commander";
import {
  type EncodedQuery,
  type PageHit,
  type SearchFilter,
  type SearchMode,
  searchModes,
  type SearchResult,
} from "../../../shared/engine/contract.ts";
import { DEFAULT_K, MAX_K } from "../../../shared/limits.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import { requireSameRecipe } from "../../../shared/recipe/mismatch.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import type { LoadOptions } from "../../models/model.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { counted } from "../format.ts";
import { loadOptionsOf } from "../load-options.ts";
import { indexName, integer, metadata } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  index: string;
  k: number;
  mode?: SearchMode;
  document?: string[];
  meta?: Record<string, string>;
  json?: boolean;
}

interface Answer {
  recipe: string;
  /** Undefined when no vectors were needed. */
  encodeMs: number | undefined;
  result: SearchResult;
}

const EXAMPLES = `
Examples:
  maxleaf search "revenue by region" --index reports
  maxleaf search "who signed the contract" --index reports -k 3 --meta year=2023
  maxleaf search "clause 7.2" --index reports --mode lexical
  maxleaf search "revenue" --index reports --json | jq '.hits[].document.name'`;

export function addSearch(program: Command, context: CommandContext): void {
  program
    .command("search")
    .description("find the pages that answer a question")
    .argument("<question>")
    .requiredOption("-i, --index <name>", "the index", indexName)
    .option("-k, --k <number>", "pages to return", integer(1, MAX_K), DEFAULT_K)
    .addOption(
      new Option("--mode <mode>", "rank by vectors, by words, or by both (default: what suits the recipe)").choices(
        searchModes,
      ),
    )
    .option("--document <name or id>", "only pages of this document; may be repeated", collect)
    .option("--meta <key=value>", "only documents with this field; may be repeated", metadata)
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (question: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await withStore(context, { ...options, title: "maxleaf search" }, async (store) => {
        const { resolveIndexName } = await import("../../../shared/format/aliases.ts");
        const index = await resolveIndexName(store, options.index);
        const answer = await search(store, question, { ...options, index }, loadOptionsOf(options, context));
        const json = () => `${JSON.stringify(toJson(answer, question, index))}\n`;
        context.terminal.out(options.json === true ? json() : asText(answer, context.terminal));
      });
    });
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

async function search(
  store: ObjectStore,
  question: string,
  options: Options,
  modelOptions: LoadOptions,
): Promise<Answer> {
  const [{ openIndex }, { loadKernel }, { requireManifest }] = await Promise.all([
    import("../../../shared/engine/open-index.ts"),
    import("../load-kernel.ts"),
    import("../index-access.ts"),
  ]);
  const manifest = await requireManifest(store, options.index);
  const { mode, k } = options;
  const encoded = mode === "lexical" ? undefined : await encode(question, manifest, modelOptions);
  const [kernelModule, filter] = await Promise.all([loadKernel(), filterOf(store, options)]);
  const index = await openIndex({ store, index: options.index, kernelModule });
  const result = await index.search({ query: encoded?.query, text: question, mode, k, filter });
  index.close();
  return { recipe: manifest.recipe.name, encodeMs: encoded?.encodeMs, result };
}

/** The question's vectors, by the model that the index was made with. A search by words alone does without: the model may be absent. */
async function encode(
  question: string,
  manifest: Manifest,
  options: LoadOptions,
): Promise<{ query: EncodedQuery; encodeMs: number }> {
  const { loadModel } = await import("../../models/registry.ts");
  const model = await loadModel(manifest.recipe.name, options);
  try {
    requireSameRecipe(manifest.index, manifest, model);
    const begunMs = performance.now();
    const query = await model.encodeQuery(question);
    return { query, encodeMs: performance.now() - begunMs };
  } finally {
    await model.dispose();
  }
}

async function filterOf(store: ObjectStore, { index, document = [], meta = {} }: Options): Promise<SearchFilter> {
  const metadata = Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, [value]]));
  const filter = Object.keys(meta).length === 0 ? {} : { metadata };
  if (document.length === 0) return filter;
  const { pickDocument, readDocuments } = await import("../index-access.ts");
  const documents = await readDocuments(store, index);
  return { ...filter, documents: document.map((idOrName) => pickDocument(documents, index, idOrName).entry.id) };
}

/** As the edge's search response, without addresses of images. */
function toJson({ recipe, encodeMs = 0, result }: Answer, question: string, index: string) {
  return {
    index,
    query: question,
    recipe,
    manifestVersion: result.manifestVersion,
    tokens: result.tokens,
    hits: result.hits.map((hit, at) => ({
      rank: at + 1,
      score: hit.score,
      scores: hit.scores,
      lengthPenalty: hit.lengthPenalty,
      document: { id: hit.documentId, name: hit.documentName, pageCount: hit.pageCount, metadata: hit.metadata },
      page: hit.pageNumber,
      width: hit.width,
      height: hit.height,
      snippet: hit.snippet,
      textSource: hit.textSource,
      matches: hit.matches.map(({ token, score, text, box, inDocumentName }) => ({
        token,
        score,
        text,
        box,
        inDocumentName,
      })),
    })),
    pagesMatched: result.pagesMatched,
    performance: { ...result.performance, encodeMs },
  };
}

function asText({ encodeMs, result }: Answer, terminal: Terminal): string {
  const { hits, pagesMatched, performance } = result;
  const searchMs = performance.totalMs.toFixed(1);
  const encoded = encodeMs === undefined ? "" : `question encoded in ${encodeMs.toFixed(1)} ms, `;
  const footer = terminal.dim(
    `${counted(hits.length, "hit")} of ${counted(pagesMatched, "page")}; ${encoded}searched in ${searchMs} ms (${performance.mode})`,
  );
  return `${hits.map((hit, at) => hitText(hit, at + 1, terminal)).join("")}${footer}\n`;
}

function hitText(hit: PageHit, rank: number, terminal: Terminal): string {
  const where = `${hit.documentName}, page ${hit.pageNumber} of ${hit.pageCount}`;
  const source = hit.textSource === "ocr" ? `  ${terminal.dim("(read by OCR)")}` : "";
  const line = `${String(rank).padStart(3)}  ${hit.score.toFixed(2).padStart(6)}  ${terminal.bold(where)}${source}\n`;
  return hit.snippet === "" ? `${line}\n` : `${line}     ${emphasise(hit, terminal)}\n\n`;
}

/** The snippet with the words that matched in bold. */
function emphasise({ snippet, matches }: PageHit, terminal: Terminal): string {
  const matched = new Set(matches.map(({ text }) => text));
  return snippet
    .split(" ")
    .map((word) => (matched.has(word) ? terminal.bold(word) : word))
    .join(" ");
}
