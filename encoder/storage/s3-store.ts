/**
 * The object store over any S3-compatible service.
 *
 * @module
 */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { MaxleafError, quote } from "../../shared/errors.ts";
import {
  type ByteRange,
  type ListOptions,
  type ListPage,
  type ObjectStore,
  outOfRange,
  preconditionFailed,
  type PutOptions,
  resolveRange,
  type StoredObject,
} from "../../shared/store/object-store.ts";

/** S3 deletes at most this many keys a request. */
const MAX_DELETE_KEYS = 1_000;
/** Attempts of the SDK, which waits longer each time. Its default of 3 gives up within a second. */
const MAX_ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** Silence on the line. A segment of 100 MB keeps it busy, however slow the line. */
const IDLE_TIMEOUT_MS = 30_000;

export interface S3StoreOptions {
  bucket: string;
  /** Of a service that is not AWS: `https://<account>.r2.cloudflarestorage.com`, `http://127.0.0.1:9000`. */
  endpoint?: string | undefined;
  /** Default `auto`, which R2 wants and most others accept. */
  region?: string | undefined;
  /** Default: what the SDK finds, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` first. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
}

export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ bucket, endpoint, region = "auto", credentials }: S3StoreOptions) {
    this.#bucket = bucket;
    this.#client = new S3Client({
      region,
      maxAttempts: MAX_ATTEMPTS,
      // Path style works everywhere; bucket.host needs a DNS name that a local server has not.
      forcePathStyle: true,
      // Without this the SDK sends trailing checksums, which R2's local S3 endpoint stores as part of the object.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
    });
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    try {
      const output = await this.#client.send(
        new GetObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          ...(range !== undefined && { Range: rangeHeader(range) }),
        }),
      );
      return await readObject(key, range, output);
    } catch (error) {
      if (isCode(error, "NoSuchKey")) return undefined;
      if (range === undefined || !isStatus(error, 416)) throw this.#translate("read", key, error);
      // Of an empty object S3 cannot give the last bytes; whole, it can be had.
      if ("suffix" in range) return await this.get(key);
      throw outOfRange(key, range, undefined);
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const { onlyIf, contentType } = options;
    try {
      const { ETag: etag } = await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          ...(contentType !== undefined && { ContentType: contentType }),
          ...(onlyIf === "absent" && { IfNoneMatch: "*" }),
          ...(typeof onlyIf === "object" && { IfMatch: onlyIf.etag }),
        }),
      );
      if (etag === undefined) throw new MaxleafError("store_unavailable", `the bucket gave no ETag for ${quote(key)}`);
      return { etag };
    } catch (error) {
      // A key that should be replaced but is not there: 412 from R2, 404 from AWS.
      const isAbsent = typeof onlyIf === "object" && isCode(error, "NoSuchKey");
      if (isStatus(error, 412) || isAbsent) throw preconditionFailed(key, onlyIf);
      throw this.#translate("write", key, error);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let first = 0; first < keys.length; first += MAX_DELETE_KEYS) {
      const batch = keys.slice(first, first + MAX_DELETE_KEYS);
      await this.#deleteBatch(batch);
    }
  }

  async list(prefix: string, { cursor, limit, delimiter }: ListOptions = {}): Promise<ListPage> {
    try {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          ...(cursor !== undefined && { ContinuationToken: cursor }),
          ...(limit !== undefined && { MaxKeys: limit }),
          ...(delimiter !== undefined && { Delimiter: delimiter }),
        }),
      );
      return {
        objects: (page.Contents ?? []).map(({ Key = "", Size = 0, ETag = "", LastModified }) => ({
          key: Key,
          size: Size,
          etag: ETag,
          lastModifiedMs: LastModified?.getTime() ?? 0,
        })),
        prefixes: (page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []),
        cursor: page.NextContinuationToken,
      };
    } catch (error) {
      throw this.#translate("list", prefix, error);
    }
  }

  /**
   * An address that takes one file as the object `key` until it expires, without credentials: of exactly `bytes` bytes and of
   * this type, since both are signed. The headers are to be sent with it. Errors: `store_unavailable` without credentials.
   */
  async presignPut(
    key: string,
    { bytes, contentType, expiresInSeconds }: { bytes: number; contentType: string; expiresInSeconds: number },
  ): Promise<{ url: string; headers: Record<string, string> }> {
    const object = { Bucket: this.#bucket, Key: key, ContentLength: bytes, ContentType: contentType };
    try {
      const url = await getSignedUrl(this.#client, new PutObjectCommand(object), {
        expiresIn: expiresInSeconds,
        signableHeaders: new Set(["content-length", "content-type"]),
      });
      return { url, headers: { "content-type": contentType } };
    } catch (error) {
      throw this.#translate("presign", key, error);
    }
  }

  /** Closes the client's connections. */
  close(): void {
    this.#client.destroy();
  }

  async #deleteBatch(keys: readonly string[]): Promise<void> {
    const first = keys[0] ?? "";
    try {
      const { Errors: errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({
          Bucket: this.#bucket,
          Delete: { Quiet: true, Objects: keys.map((key) => ({ Key: key })) },
        }),
      );
      const [failed] = errors;
      if (failed !== undefined) throw new Error(`${failed.Key}: ${failed.Code} ${failed.Message}`);
    } catch (error) {
      throw this.#translate("delete", first, error);
    }
  }

  #translate(verb: string, key: string, cause: unknown): MaxleafError {
    if (cause instanceof MaxleafError) return cause;
    const because = isCode(cause, "NoSuchBucket")
      ? "there is no such bucket"
      : isStatus(cause, 401) || isStatus(cause, 403)
        ? "it refused the credentials"
        : cause instanceof Error
          ? cause.message || cause.name
          : String(cause);
    return new MaxleafError(
      "store_unavailable",
      `bucket ${quote(this.#bucket)} could not ${verb} ${quote(key)}: ${because}`,
      { cause },
    );
  }
}

async function readObject(
  key: string,
  range: ByteRange | undefined,
  output: GetObjectCommandOutput,
): Promise<StoredObject> {
  const bytes = (await output.Body?.transformToByteArray()) ?? new Uint8Array(0);
  const size = sizeOf(output, bytes.byteLength);
  if (bytes.byteLength !== resolveRange(key, size, range).length) {
    throw new MaxleafError(
      "corrupt_data",
      `the bucket sent ${bytes.byteLength} bytes of ${quote(key)}, not all it has`,
    );
  }
  return { bytes, size, etag: output.ETag ?? "", contentType: output.ContentType };
}

/** Bytes of the whole object: the number after the slash of `bytes 0-9/1234`, or what a whole read brought. */
function sizeOf({ ContentRange, ContentLength }: GetObjectCommandOutput, bytesRead: number): number {
  const total = ContentRange?.split("/").at(-1);
  return total === undefined || !/^\d+$/.test(total) ? (ContentLength ?? bytesRead) : Number(total);
}

function rangeHeader(range: ByteRange): string {
  return "suffix" in range ? `bytes=-${range.suffix}` : `bytes=${range.offset}-${range.offset + range.length - 1}`;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof S3ServiceException && error.name === code;
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;
}
