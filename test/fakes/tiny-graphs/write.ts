/**
 * `node test/fakes/tiny-graphs/write.ts KIND FOLDER [DATA_FILE]`: writes one of the graphs below as FOLDER/model.onnx, to try
 * the command line with a model that is not there. Its vectors mean nothing.
 *
 * @module
 */
import { tinyColpaliGraph, type TinyGraph, tinyIdeficsGraph, tinyTextGraph, writeTinyGraph } from "./tiny-graph.ts";

/** Names, dims and image token ids as `../shared/design/models.md` and the repositories named there give them. */
const KINDS: Readonly<Record<string, () => TinyGraph>> = {
  colbertv2: () => tinyTextGraph({ dim: 128, outputName: "contextual" }),
  "answerai-colbert-small": () => tinyTextGraph({ dim: 96, outputName: "output" }),
  minilm: () => tinyTextGraph({ dim: 384, outputName: "last_hidden_state", tokenTypes: true, normalize: false }),
  colpali: () => tinyColpaliGraph(),
  "colpali-fp16": () => tinyColpaliGraph({ precision: "float16" }),
  colsmol: () => tinyIdeficsGraph({ imageTokenId: 49_190, pixelAttentionMask: true }),
  colmodernvbert: () => tinyIdeficsGraph({ imageTokenId: 50_407 }),
};

const [kind = "", folder, dataFile] = process.argv.slice(2);
const make = KINDS[kind];
if (make === undefined || folder === undefined) {
  console.error(`usage: write.ts ${Object.keys(KINDS).join("|")} FOLDER [DATA_FILE]`);
  process.exit(1);
}
console.log(await writeTinyGraph(make(), folder, { dataFile }));
