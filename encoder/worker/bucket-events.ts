/**
 * What buckets say when an object was written or removed: the notification of S3 (of AWS, MinIO and moto), the same
 * through EventBridge or SNS or both, and R2's.
 *
 * Only bucket and key count. Notifications come late, twice and out of order, so that what is to be done is decided by
 * the object as it is when the work begins; see sync-documents.ts. Kind and ETag are for the log.
 *
 * @module
 */
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";

/** An object that was written or removed. */
export interface ObjectEvent {
  kind: "created" | "removed";
  bucket: string;
  /** As the object is called: decoded. */
  key: string;
  etag: string | undefined;
}

/** SQS's largest message. Ours are 1 to 2 kB. */
const MAX_EVENT_BODY_CHARS = 1024 * 1024;
/** S3 sends one record a notification, at most. Ours, so that one message is never hours of work. */
const MAX_RECORDS = 1_000;
/** EventBridge in SNS. */
const MAX_ENVELOPES = 2;

/** S3's limits: a bucket's name has 3 to 63 characters, old ones to 255; a key has 1 to 1,024 bytes. */
const bucketName = z.string().min(1).max(255);
const objectKey = z.string().min(1).max(1_024);
/** URL-encoded: three characters a byte. */
const encodedKey = z
  .string()
  .min(1)
  .max(3 * 1_024);

const s3Test = z.object({ Event: z.literal("s3:TestEvent") });
const s3Notification = z.object({
  Records: z
    .array(
      z.object({
        eventName: z.string(),
        s3: z.object({
          bucket: z.object({ name: bucketName }),
          object: z.object({ key: encodedKey, eTag: z.string().optional() }),
        }),
      }),
    )
    .max(MAX_RECORDS),
});
const eventBridge = z.object({
  source: z.literal("aws.s3"),
  "detail-type": z.string(),
  detail: z.object({
    bucket: z.object({ name: bucketName }),
    object: z.object({ key: objectKey, etag: z.string().optional() }),
  }),
});
const sns = z.object({ Type: z.string(), TopicArn: z.string(), Message: z.string() });
const r2 = z.object({
  action: z.string(),
  bucket: bucketName,
  object: z.object({ key: objectKey, eTag: z.string().optional() }),
});

/** R2's actions (developers.cloudflare.com/r2/buckets/event-notifications). */
const R2_ACTIONS: Readonly<Record<string, ObjectEvent["kind"]>> = {
  PutObject: "created",
  CopyObject: "created",
  CompleteMultipartUpload: "created",
  DeleteObject: "removed",
  LifecycleDeletion: "removed",
};
const EVENT_BRIDGE_TYPES: Readonly<Record<string, ObjectEvent["kind"]>> = {
  "Object Created": "created",
  "Object Deleted": "removed",
};

/**
 * The objects that a message of the queue is about; none for the test that S3 sends when notifications are set up.
 *
 * @throws MaxleafError `invalid_request` for anything else, which will never become readable: with the reason, for people.
 */
export function parseBucketEvents(body: string): ObjectEvent[] {
  if (body.length > MAX_EVENT_BODY_CHARS) throw unreadable(`it has ${body.length} characters`);
  return eventsOf(parseJson(body), 0);
}

function eventsOf(value: unknown, envelopes: number): ObjectEvent[] {
  if (isRecord(value) && typeof value["TopicArn"] === "string") return eventsInSns(value, envelopes);
  if (isRecord(value) && "Records" in value) return read(s3Notification, value, "S3").Records.map(s3EventOf);
  if (isRecord(value) && "detail-type" in value) return [eventBridgeEventOf(value)];
  if (isRecord(value) && "action" in value) return [r2EventOf(value)];
  if (s3Test.safeParse(value).success) return [];
  throw unreadable(`it is none of S3, EventBridge, SNS or R2: ${quote(value)}`);
}

function eventsInSns(value: unknown, envelopes: number): ObjectEvent[] {
  const { Type, TopicArn, Message } = read(sns, value, "SNS");
  if (Type !== "Notification") throw unreadable(`SNS sent a ${Type} of ${TopicArn}, which a person must answer`);
  if (envelopes >= MAX_ENVELOPES) throw unreadable("it is wrapped too often");
  return eventsOf(parseJson(Message), envelopes + 1);
}

function s3EventOf({ eventName, s3 }: z.infer<typeof s3Notification>["Records"][number]): ObjectEvent {
  const kind = kindOfS3(eventName);
  if (kind === undefined) throw unreadable(`S3's event ${quote(eventName)} is not about writing or removing`);
  return { kind, bucket: s3.bucket.name, key: decodeKey(s3.object.key), etag: s3.object.eTag };
}

/** `ObjectCreated:Put`; MinIO writes `s3:ObjectCreated:Put`. */
function kindOfS3(eventName: string): ObjectEvent["kind"] | undefined {
  const name = eventName.replace(/^s3:/, "");
  if (name.startsWith("ObjectCreated:")) return "created";
  return /^(ObjectRemoved|LifecycleExpiration):/.test(name) ? "removed" : undefined;
}

function eventBridgeEventOf(value: unknown): ObjectEvent {
  const event = read(eventBridge, value, "EventBridge");
  const kind = lookUp(EVENT_BRIDGE_TYPES, event["detail-type"]);
  if (kind === undefined) {
    throw unreadable(`EventBridge's ${quote(event["detail-type"])} is not about writing or removing`);
  }
  const { bucket, object } = event.detail;
  // Unlike in S3's own notifications, the key is not encoded here.
  return { kind, bucket: bucket.name, key: object.key, etag: object.etag };
}

function r2EventOf(value: unknown): ObjectEvent {
  const { action, bucket, object } = read(r2, value, "R2");
  const kind = lookUp(R2_ACTIONS, action);
  if (kind === undefined) throw unreadable(`R2's action ${quote(action)} is not about writing or removing`);
  return { kind, bucket, key: object.key, etag: object.eTag };
}

/** `docs%2Fa+b.pdf` is `docs/a b.pdf`. */
function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    throw unreadable(`the key ${quote(encoded)} is not URL-encoded UTF-8`);
  }
}

function read<T extends z.ZodType>(schema: T, value: unknown, sender: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unreadable(`it looks like ${sender}'s, but ${issue?.path.join(".")}: ${issue?.message}`);
}

function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(`it is no JSON: ${quote(text)}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(why: string): MaxleafError {
  return new MaxleafError("invalid_request", `the message is no notification of a bucket: ${why}`);
}
