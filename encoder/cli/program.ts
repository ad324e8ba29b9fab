/**
 * All commands as one commander program.
 *
 * @module
 */
import { Command } from "commander";
import { VERSION } from "../../shared/version.ts";
import { addAlias, addRename } from "./commands/alias.ts";
import { addCalibrate } from "./commands/calibrate.ts";
import { addCompact } from "./commands/compact.ts";
import { addCreate } from "./commands/create.ts";
import { addDelete } from "./commands/delete.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addDocuments } from "./commands/documents.ts";
import { addDrop, addRestore } from "./commands/drop.ts";
import { addEncoder } from "./commands/encoder.ts";
import { addEval } from "./commands/eval.ts";
import { addExport } from "./commands/export.ts";
import { addGc } from "./commands/gc.ts";
import { addImport } from "./commands/import.ts";
import { addIndexes } from "./commands/indexes.ts";
import { addIngest } from "./commands/ingest.ts";
import { addModels } from "./commands/models.ts";
import { addOptimize } from "./commands/optimize.ts";
import { addRetrain } from "./commands/retrain.ts";
import { addSearch } from "./commands/search.ts";
import { addServe } from "./commands/serve.ts";
import { addStart } from "./commands/start.ts";
import { addUpdate } from "./commands/update.ts";
import { addWorker } from "./commands/worker.ts";
import { addGlobalOptions, type CommandContext } from "./context.ts";
import { EXIT_CODES_HELP } from "./exit-codes.ts";

/** A program whose commands run in `context`. Its `parseAsync` rejects; nothing in it ends the process. */
export function createProgram(context: CommandContext): Command {
  const { terminal, env } = context;
  const program = new Command("maxleaf")
    .description("Search over document pages as they look: late interaction (MaxSim) over compressed page vectors.")
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, "maxleaf: ")),
    })
    .showHelpAfterError("(--help shows the options)")
    .addHelpText("after", `\n${EXIT_CODES_HELP}`);
  addGlobalOptions(program, env);
  addStart(program, context);
  addServe(program, context);
  addIngest(program, context);
  addSearch(program, context);
  addIndexes(program, context);
  addCreate(program, context);
  addAlias(program, context);
  addRename(program, context);
  addDrop(program, context);
  addRestore(program, context);
  addDocuments(program, context);
  addUpdate(program, context);
  addDelete(program, context);
  addWorker(program, context);
  addModels(program, context);
  addOptimize(program, context);
  addCalibrate(program, context);
  addCompact(program, context);
  addRetrain(program, context);
  addGc(program, context);
  addDoctor(program, context);
  addExport(program, context);
  addImport(program, context);
  addEval(program, context);
  addEncoder(program, context);
  return program;
}
