/**
 * `POST /v1/indexes/{index}/documents`: one file as the body, several as a form, or a list of addresses and uploads. All
 * become a task.
 *
 * @module
 */
import PQueue from "p-queue";
import { addDocumentsSchema, addFileQuerySchema, metadataSchema, webhookSchema } from "../../shared/api/admin.ts";
import type { Task } from "../../shared/api/tasks.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { MAX_CONCURRENT_READS, MAX_SOURCE_BYTES } from "../../shared/limits.ts";
import { parseDocumentName } from "../../shared/names.ts";
import { layout } from "../../shared/store/layout.ts";
import type { TaskDocumentRequest } from "../tasks/contract.ts";
import type { AdminServices } from "./admin-services.ts";
import type { IncomingFiles, StoredFile } from "./incoming-files.ts";
import { mediaTypeOf, parseBy, parseJson, readJson } from "./read-json.ts";

type Metadata = TaskDocumentRequest["metadata"];

/** What a request with files says beside them. */
interface FileOptions {
  metadata: Metadata;
  webhookUrl: string | undefined;
}

/**
 * Makes the task that adds what `request` has to the index that `name` means, which need not be there yet.
 *
 * Errors: `invalid_name`, `invalid_request`, `invalid_json`, `upload_not_found`, `url_not_allowed`, `file_too_large`, those of
 * `IncomingFiles`, of `resolveIndexName` and of `Tasks.create`.
 */
export async function addDocuments(
  services: AdminServices,
  files: IncomingFiles,
  name: string,
  request: Request,
): Promise<Task> {
  const index = await resolveIndexName(services.store, name);
  const type = mediaTypeOf(request);
  if (type === "application/json") return await addListed(services, index, request);
  return await (type === "multipart/form-data" ? addForm : addFile)(services, files, index, request);
}

async function addListed(services: AdminServices, index: string, request: Request): Promise<Task> {
  const { documents, webhook } = await readJson(request, addDocumentsSchema);
  const webhookUrl = webhook && services.webhookUrls.check(webhook.url).href;
  const requests = documents.map(({ name, metadata, url, uploadId }): TaskDocumentRequest => {
    const source =
      url === undefined ? { kind: "upload" as const, uploadId: uploadId ?? "" } : { kind: "url" as const, url };
    // Refused now and not when somebody looks at the task; what it resolves to is looked at then.
    if (source.kind === "url") services.documentUrls.check(source.url);
    return { name: parseDocumentName(name.normalize("NFC")), metadata, source };
  });
  const uploadIds = requests.flatMap(({ source }) => (source.kind === "upload" ? [source.uploadId] : []));
  const looks = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  await looks.addAll(uploadIds.map((uploadId) => async () => await requireUpload(services, uploadId)));
  return await services.tasks.create({ type: "documents.add", index, webhookUrl, documents: requests });
}

async function requireUpload({ store }: AdminServices, uploadId: string): Promise<void> {
  // The last byte tells the size; a HEAD of one byte more, which every object store can give.
  const object = await store.get(layout.upload(uploadId), { suffix: 1 });
  if (object === undefined) {
    const why = "it was not sent, or a task has taken it";
    throw new MaxleafError("upload_not_found", `there is no upload ${quote(uploadId)}: ${why}`);
  }
  if (object.size <= MAX_SOURCE_BYTES) return;
  const message = `upload ${quote(uploadId)} has ${object.size} bytes; the limit is ${MAX_SOURCE_BYTES}`;
  throw new MaxleafError("file_too_large", message);
}

async function addFile(services: AdminServices, files: IncomingFiles, index: string, request: Request): Promise<Task> {
  const query = parseBy(addFileQuerySchema, Object.fromEntries(new URL(request.url).searchParams));
  const name = parseDocumentName(query.name.normalize("NFC"));
  const options = parseOptions(services, query.metadata, query.webhook);
  const uploadId = crypto.randomUUID();
  await files.storeBody(request, uploadId);
  return await createFor(services, files, index, [{ name, uploadId }], options);
}

async function addForm(services: AdminServices, files: IncomingFiles, index: string, request: Request): Promise<Task> {
  const form = await files.storeForm(request);
  try {
    const unknown = [...form.fields.keys()].find((field) => field !== "metadata" && field !== "webhook");
    if (unknown !== undefined) {
      throw new MaxleafError(
        "invalid_request",
        `${quote(unknown)} is no field of this form: send files, metadata, webhook`,
      );
    }
    if (form.files.length === 0) throw new MaxleafError("invalid_request", "the form has no file");
    const options = parseOptions(services, form.fields.get("metadata"), form.fields.get("webhook"));
    const named = form.files.map(({ name, uploadId }) => ({
      name: parseDocumentName(name.normalize("NFC")),
      uploadId,
    }));
    return await createFor(services, files, index, named, options);
  } catch (error) {
    await files.discard(form.files);
    throw error;
  }
}

async function createFor(
  { tasks }: AdminServices,
  incoming: IncomingFiles,
  index: string,
  files: readonly StoredFile[],
  { metadata, webhookUrl }: FileOptions,
): Promise<Task> {
  const documents = files.map(({ name, uploadId }) => ({
    name,
    metadata,
    source: { kind: "upload" as const, uploadId },
  }));
  try {
    return await tasks.create({ type: "documents.add", index, webhookUrl, documents });
  } catch (error) {
    await incoming.discard(files);
    throw error;
  }
}

/** Errors: `invalid_json`, `invalid_request`, `url_not_allowed`. */
function parseOptions(
  { webhookUrls }: AdminServices,
  metadata: string | undefined,
  webhook: string | undefined,
): FileOptions {
  return {
    metadata: metadata === undefined ? undefined : parseBy(metadataSchema, parseJson(metadata, "the metadata")),
    webhookUrl:
      webhook === undefined ? undefined : webhookUrls.check(parseBy(webhookSchema, { url: webhook }).url).href,
  };
}
