/**
 * What colpali-engine computes on given vectors: `fixtures/make.py` made it with the package itself.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";

const values = z.array(z.number()).transform((list) => Float32Array.from(list));
const integers = z.array(z.number().int());

const fixtureSchema = z.object({
  scores: z.object({
    dim: z.number(),
    questions: z.array(values),
    pages: z.array(values),
    /** `[questions][pages]` for each batch size. */
    cases: z.array(z.object({ batchSize: z.number(), scores: z.array(z.array(z.number())) })),
  }),
  maps: z.object({
    dim: z.number(),
    query: values,
    plain: z.object({
      page: values,
      /** Positions that are no patches. */
      masked: integers,
      columns: z.number(),
      rows: z.number(),
      maps: values,
      shared: values,
      each: values,
    }),
    /** The patches start at `first`; the global tile follows them. */
    tiled: z.object({ page: values, first: z.number(), tileColumns: z.number(), tileRows: z.number(), maps: values }),
  }),
  pooling: z.object({
    dim: z.number(),
    cases: z.array(
      z.object({
        factor: z.number(),
        vectors: values,
        /** The cluster of every row; clusters are numbered in the order of their first rows. */
        published: z.object({ clusters: integers, pooled: values }),
        wardOfVectors: integers,
      }),
    ),
  }),
});

export type ColpaliEngineFixture = z.infer<typeof fixtureSchema>;

export async function readFixture(): Promise<ColpaliEngineFixture> {
  const file = new URL("fixtures/colpali-engine.json", import.meta.url);
  return fixtureSchema.parse(JSON.parse(await readFile(file, "utf8")));
}
