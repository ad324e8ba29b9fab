/**
 * All models that look at pages.
 *
 * @module
 */
import { colpaliV12 } from "../colpali/colpali-v1.2.ts";
import { colpaliV13 } from "../colpali/colpali-v1.3.ts";
import { colqwen2V10 } from "../colqwen/colqwen2-v1.0.ts";
import { colqwen25Multilingual } from "../colqwen/colqwen2.5-3b-multilingual.ts";
import { colqwen25V02 } from "../colqwen/colqwen2.5-v0.2.ts";
import { colmodernvbert } from "../idefics/colmodernvbert.ts";
import { colsmol256m } from "../idefics/colsmol-256m.ts";
import { colsmol500m } from "../idefics/colsmol-500m.ts";
import type { RegistryEntry } from "../model.ts";

export const imageEntries: readonly RegistryEntry[] = [
  colmodernvbert,
  colsmol256m,
  colsmol500m,
  colpaliV13,
  colpaliV12,
  colqwen2V10,
  colqwen25V02,
  colqwen25Multilingual,
];
